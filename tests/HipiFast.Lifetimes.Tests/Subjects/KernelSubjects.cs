using HipiFast.Kernels.Backends;
using HipiFast.Kernels.Dense;
using HipiFast.Kernels.Memory;
using HipiFast.Kernels.Networks;
using HipiFast.Relabeling;
using static HipiFast.Lifetimes.Tests.Subjects.AllSubjects;

namespace HipiFast.Lifetimes.Tests.Subjects;

/// <summary>Memory, networks and sessions.</summary>
internal static unsafe class KernelSubjects
{
    private static readonly MlpShape s_shape = new(3, 4, 2);

    public static IReadOnlyList<Subject> All { get; } = [Buffer(), Parameters(), Activations(), Sample(), Session()];

    public static ComputeSession NewSession(Needs needs) =>
        needs.Add(KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1)));

    private static Subject<NativeBuffer<int>> Buffer() => new Subject<NativeBuffer<int>>(_ => new NativeBuffer<int>(8))
        .Reads("Pointer", buffer => _ = buffer.Pointer)
        .Reads("Span", buffer => _ = buffer.Span)
        .Reads("Item", buffer => buffer[0] = 1)
        .Reads("Slice(Int64, Int32)", buffer => _ = buffer.Slice(0, 1))
        .Reads("EnsureLength(Int64)", buffer => buffer.EnsureLength(1))
        .Keeps("0, which says that there is nothing left", "Length");

    private static Subject<MlpParameters> Parameters() => new Subject<MlpParameters>(_ => new MlpParameters(s_shape))
        .Reads("Values", network => _ = network.Values)
        .Reads("Pointer", network => _ = network.Pointer)
        .Reads("CopyFrom(MlpParameters)", network =>
        {
            using MlpParameters other = new(s_shape);
            network.CopyFrom(other);
        })
        .Reads("Initialize(UInt64, UInt32)", network => network.Initialize(1, 0))
        .Reads("Bias(Int32)", network => network.Bias(0))
        .Reads("WeightRow(Int32, Int32)", network => network.WeightRow(0, 0))
        .Reads("ExportWeight(Int32, Span)", network => network.ExportWeight(0, new float[12]))
        .Reads("ImportWeight(Int32, ReadOnlySpan)", network => network.ImportWeight(0, new float[12]))
        .Keeps(Fact, "Shape", "Version", "LayerInputs(Int32)", "LayerOutputs(Int32)")
        .Keeps("counts, and touches no values", "MarkChanged()");

    private static Subject<MlpActivations> Activations() =>
        new Subject<MlpActivations>(_ => new MlpActivations(s_shape, 2))
            .Reads("Hidden1", pass => _ = pass.Hidden1)
            .Reads("Hidden2", pass => _ = pass.Hidden2)
            .Reads("Hidden1Gradient", pass => _ = pass.Hidden1Gradient)
            .Reads("Hidden2Gradient", pass => _ = pass.Hidden2Gradient)
            .Reads("Output", pass => _ = pass.Output)
            .Reads("OutputGradient", pass => _ = pass.OutputGradient)
            .Keeps(Fact, "Shape", "Capacity");

    private static Subject<PolicySample> Sample() => new Subject<PolicySample>(_ => new PolicySample(2, 4))
        .Reads("Action", sample => _ = sample.Action)
        .Reads("LogProbability", sample => _ = sample.LogProbability)
        .Reads("Backward(Single*, Single*, Single, Int32, MatrixView)", sample =>
        {
            float* gradient = stackalloc float[4];
            float* output = stackalloc float[4];
            sample.Backward(gradient, null, 1f, 0, new MatrixView((nint)output, 1, 4, 4));
        })
        .Keeps(Fact, "ActionDimension", "Capacity");

    private static Subject<ComputeSession> Session() => new Subject<ComputeSession>(
        _ => KernelRegistry.Default.Resolve("managed").CreateSession(new SessionOptions(1)))
        .Reads("SoftQ", session => _ = session.SoftQ)
        .Reads("LogPartition", session => _ = session.LogPartition)
        .Reads("TaskSampling", session => _ = session.TaskSampling)
        .Reads("Dense", session => _ = session.Dense)
        .Reads("Transitions", session => _ = session.Transitions)
        .Reads(
            "WithSoftQ(ISoftQKernel, IReadOnlyList)",
            session => session.WithSoftQ(new FunctionSoftQ((in _, _, _) => 0f)).Dispose())
        .Keeps("backends are shared and are not disposed of", "Backend");
}
