using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HipiFast.Kernels.Numerics;
using HipiFast.Kernels.Tasks;
using HipiFast.Learning;
using HipiFast.Options;
using HipiFast.Relabeling;
using HipiFast.Replay;
using HipiFast.Tasks;

namespace HipiFast.Native;

/// <summary>The functions of include/hipifast.h, where each is described. No exception leaves them.</summary>
internal static unsafe class Exports
{
    /// <summary><c>HIPIFAST_ABI_VERSION</c> of the header.</summary>
    public const int AbiVersion = 1;

    // What records of options are read and written by.
    private const DynamicallyAccessedMemberTypes Options =
        DynamicallyAccessedMemberTypes.PublicProperties | DynamicallyAccessedMemberTypes.PublicParameterlessConstructor;

    private const string Family = "a task family", Agent = "an agent", RelabelerKind = "a relabeler",
        SamplerKind = "a sampler";

    private static readonly byte* s_version = Constant(typeof(Relabeler).Assembly.GetName().Version!.ToString(3));

    [UnmanagedCallersOnly(EntryPoint = "hipifast_abi_version", CallConvs = [typeof(CallConvCdecl)])]
    public static int GetAbiVersion() => AbiVersion;

    [UnmanagedCallersOnly(EntryPoint = "hipifast_version", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* GetVersion() => s_version;

    [UnmanagedCallersOnly(EntryPoint = "hipifast_vector_bits", CallConvs = [typeof(CallConvCdecl)])]
    public static int GetVectorBits() => VectorKinds.Bits(VectorKinds.Best);

    [UnmanagedCallersOnly(EntryPoint = "hipifast_last_error", CallConvs = [typeof(CallConvCdecl)])]
    public static byte* GetLastError() => Failure.Message;

    [UnmanagedCallersOnly(EntryPoint = "hipifast_handle_count", CallConvs = [typeof(CallConvCdecl)])]
    public static long GetHandleCount() => HandleTable.Count;

    [UnmanagedCallersOnly(EntryPoint = "hipifast_destroy", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Destroy(ulong handle)
    {
        try
        {
            HandleTable.Remove(handle);
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_family_from_json", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CreateFamily(byte* json, ulong* family)
    {
        try
        {
            Arguments.Require(family, "place of the family's handle");
            *family = 0;
            *family = HandleTable.Add(TaskFamilyJson.Read(Arguments.Text(json, "family")));
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_family_from_functions", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CreateFamilyOfFunctions(
        int taskDimension, void* context, delegate* unmanaged[Cdecl]<void*, FunctionPairs*, int> judge,
        delegate* unmanaged[Cdecl]<void*, float*, float*, long, int, float*, int> achieved, ulong* family)
    {
        try
        {
            Arguments.Require(family, "place of the family's handle");
            *family = 0;
            Arguments.Require(judge, "function 'judge'");
            int width = Arguments.Count(taskDimension, "entries of a task");
            *family = HandleTable.Add(new FunctionFamily(width, context, judge, achieved));
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_family_task_dimension", CallConvs = [typeof(CallConvCdecl)])]
    public static Status GetTaskDimension(ulong family, int* taskDimension)
    {
        try
        {
            Arguments.Require(taskDimension, "place of the result");
            *taskDimension = HandleTable.Get<TaskFamily>(family, Family).TaskDimension;
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_agent_from_file", CallConvs = [typeof(CallConvCdecl)])]
    public static Status LoadAgent(byte* path, ShapeView* shape, byte* format, byte* layers, ulong* agent)
    {
        try
        {
            Arguments.Require(agent, "place of the agent's handle");
            *agent = 0;
            Arguments.Require(shape, "shape");
            *agent = HandleTable.Add(AgentHost.Load(
                Arguments.Text(path, "path"), shape->Value, Arguments.OptionalText(format, "format"),
                Arguments.OptionalText(layers, "description of the layers")));
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_agent_from_tensors", CallConvs = [typeof(CallConvCdecl)])]
    public static Status ReadAgent(
        TensorView* tensors, long count, ShapeView* shape, byte* format, byte* layers, ulong* agent)
    {
        try
        {
            Arguments.Require(agent, "place of the agent's handle");
            *agent = 0;
            Arguments.Require(shape, "shape");
            Arguments.Require(tensors, "list of tensors");
            *agent = HandleTable.Add(AgentHost.Read(
                tensors, count, shape->Value, Arguments.OptionalText(format, "format"),
                Arguments.OptionalText(layers, "description of the layers")));
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_relabeler_create", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CreateRelabeler(ulong family, ulong agent, byte* options, ulong* relabeler)
    {
        try
        {
            Arguments.Require(relabeler, "place of the relabeler's handle");
            *relabeler = 0;
            TaskFamily judge = HandleTable.Get<TaskFamily>(family, Family);
            RelabelOptions chosen = ReadOptions(options);
            Relabeler made = agent == 0
                ? new Relabeler(judge, null, chosen)
                : HandleTable.Get<AgentHost>(agent, Agent).CreateRelabeler(judge, chosen);
            *relabeler = HandleTable.Add(new RelabelerHost(made, judge));
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_relabeler_prepare", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Prepare(ulong relabeler, ShapeView* shape, long rows, long candidates, int bySoftQ)
    {
        try
        {
            Arguments.Require(shape, "shape");
            HandleTable.Get<RelabelerHost>(relabeler, RelabelerKind).Prepare(
                shape->Value, rows, candidates, bySoftQ != 0);
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_relabeler_set_candidates", CallConvs = [typeof(CallConvCdecl)])]
    public static Status SetCandidates(ulong relabeler, float* tasks, long count, float* logPrior)
    {
        try
        {
            HandleTable.Get<RelabelerHost>(relabeler, RelabelerKind).SetFixedCandidates(tasks, count, logPrior);
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_relabel", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Relabel(
        ulong relabeler, BatchView* batch, float* candidates, long count, float* logPrior, RelabelingView* result)
    {
        try
        {
            HandleTable.Get<RelabelerHost>(relabeler, RelabelerKind).Relabel(
                batch, null, 0, candidates, count, logPrior, result);
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_relabel_from_q", CallConvs = [typeof(CallConvCdecl)])]
    public static Status RelabelFromQ(
        ulong relabeler, BatchView* batch, float* softQ, long columns, float* candidates, long count, float* logPrior,
        RelabelingView* result)
    {
        try
        {
            Arguments.Require(softQ, "soft-Q matrix");
            HandleTable.Get<RelabelerHost>(relabeler, RelabelerKind).Relabel(
                batch, softQ, columns, candidates, count, logPrior, result);
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_sampler_create", CallConvs = [typeof(CallConvCdecl)])]
    public static Status CreateSampler(byte* options, ulong* sampler)
    {
        try
        {
            Arguments.Require(sampler, "place of the sampler's handle");
            *sampler = 0;
            *sampler = HandleTable.Add(new SoftQSampler(ReadOptions(options)));
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_sample", CallConvs = [typeof(CallConvCdecl)])]
    public static Status Sample(
        ulong sampler, float* softQ, long rows, long candidates, float* logPrior, DrawView* result)
    {
        try
        {
            SoftQSampler draws = HandleTable.Get<SoftQSampler>(sampler, SamplerKind);
            Arguments.Require(result, "place of the draws");
            int b = Arguments.Count(rows, "rows"), k = Arguments.Count(candidates, "candidates");
            SoftQSample sample = draws.Sample(
                Arguments.Matrix(softQ, b, k, "soft-Q matrix"), b, k,
                logPrior == null ? default : Arguments.Matrix(logPrior, k, 1, "log prior"),
                result->Posterior == null ? default : Arguments.Matrix(result->Posterior, b, k, "posterior"));
            Copy(sample.Index, result->Index);
            if (result->LogPartition != null && sample.LogPartition.IsEmpty)
            {
                new Span<float>(result->LogPartition, k).Clear();
            }

            Copy(sample.LogPartition, result->LogPartition);
            Copy(sample.Mode, result->Mode);
            Copy(sample.Entropy, result->Entropy);
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_get_call", CallConvs = [typeof(CallConvCdecl)])]
    public static Status GetCall(ulong handle, uint* call)
    {
        try
        {
            Arguments.Require(call, "place of the result");
            object caller = HandleTable.Get<object>(handle, RelabelerKind);
            *call = caller switch
            {
                RelabelerHost host => host.Relabeler.Call,
                SoftQSampler sampler => sampler.Call,
                _ => throw NoCalls(handle),
            };
            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "hipifast_set_call", CallConvs = [typeof(CallConvCdecl)])]
    public static Status SetCall(ulong handle, uint call)
    {
        try
        {
            switch (HandleTable.Get<object>(handle, RelabelerKind))
            {
                case RelabelerHost host:
                    host.Relabeler.Call = call;
                    break;
                case SoftQSampler sampler:
                    sampler.Call = call;
                    break;
                default:
                    throw NoCalls(handle);
            }

            return Status.Ok;
        }
        catch (Exception error)
        {
            return Failure.Of(error);
        }
    }

    private static InvalidHandleException NoCalls(ulong handle) => new(
        $"The handle {handle:x16} is of another kind; expected that of {RelabelerKind} or {SamplerKind}.");

    [DynamicDependency(Options, typeof(RelabelOptions))]
    [DynamicDependency(Options, typeof(ComputeOptions))]
    [DynamicDependency(Options, typeof(SacOptions))]
    private static RelabelOptions ReadOptions(byte* options)
    {
        RelabelOptions defaults = new();
        return options == null
            ? defaults
            : OptionLayer<RelabelOptions>.Parse(Arguments.Text(options, "options"), " in the options").Apply(defaults);
    }

    private static void Copy<T>(ReadOnlySpan<T> values, T* target)
        where T : unmanaged
    {
        if (target != null)
        {
            values.CopyTo(new Span<T>(target, values.Length));
        }
    }

    // Lives as long as the library.
    private static byte* Constant(string text) => (byte*)Marshal.StringToCoTaskMemUTF8(text);
}
