using System.Runtime.InteropServices;
using HipiFast.Replay;

namespace HipiFast.Native;

/// <summary>Widths of a transition, <c>hipifast_shape</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ShapeView
{
    public int ObservationDimension;
    public int ActionDimension;
    public int TaskDimension;
    private readonly int _reserved;

    public ShapeView(TransitionShape shape)
    {
        ObservationDimension = shape.ObservationDimension;
        ActionDimension = shape.ActionDimension;
        TaskDimension = shape.TaskDimension;
    }

    public readonly TransitionShape Value
    {
        get
        {
            TransitionShape shape = new(ObservationDimension, ActionDimension, TaskDimension);
            shape.Validate();
            return shape;
        }
    }
}

/// <summary>Transitions in the caller's memory, <c>hipifast_batch</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BatchView
{
    public ShapeView Shape;
    public long Rows;
    public float* Observation;
    public float* Action;
    public float* NextObservation;
    public float* Task;
    public float* Reward;
    public byte* Terminated;
}

/// <summary>What a relabel call says, <c>hipifast_relabeling</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct RelabelingView
{
    public long CandidateRoom;
    public long Candidates;
    public int* TaskIndex;
    public byte* Relabeled;
    public float* CandidateTask;
    public float* LogPartition;
    public float* SoftQ;
    public float* Posterior;
    public float PosteriorEntropy;
    public float EffectiveTasks;
    public float CommandedIsMode;
    public float LogPartitionMin;
    public float LogPartitionMax;
    public float KlFromCommanded;
    public float RelabeledShare;
    public float TerminatedShare;
}

/// <summary>What drawing from a matrix gives, <c>hipifast_draw</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct DrawView
{
    public int* Index;
    public float* LogPartition;
    public int* Mode;
    public float* Entropy;
    public float* Posterior;
}

/// <summary>A tensor of a state_dict, <c>hipifast_tensor</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TensorView
{
    public byte* Name;
    public float* Values;
    public long* Shape;
    public long Rank;
}
