using System.Reflection;
using ILGPU.Backends;
using ILGPU.Backends.PTX;
using ILGPU.IR;
using ILGPU.IR.Intrinsics;
using ILGPU.IR.Types;

namespace HipiFast.Kernels.Ilgpu.TensorCores;

/// <summary>The PTX of <see cref="TensorCore"/>: called by ILGPU's code generator in the place of a call.</summary>
/// <remarks>
/// CudaAsm.EmitRef would do without this, but passes its operands through local memory, which the assembler is not
/// bound to remove.
/// </remarks>
internal static class TensorCorePtx
{
    private const string Multiply = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32";
    private const int TileWords = 4;
    private const int WeightWords = 2;
    private const int TilesPerBlock = 8;

    /// <summary>Registers the instructions with a context.</summary>
    /// <param name="manager">The context's intrinsics.</param>
    public static void Register(IntrinsicImplementationManager manager)
    {
        foreach ((string method, string emitter) in ((string, string)[])
            [
                (nameof(TensorCore.MultiplyAdd), nameof(EmitMultiplyAdd)),
                (nameof(TensorCore.PackRelu), nameof(EmitPackRelu)),
                (nameof(TensorCore.CopyAsync), nameof(EmitCopyAsync)),
                (nameof(TensorCore.AwaitCopies), nameof(EmitAwaitCopies)),
            ])
        {
            manager.RegisterMethod(
                typeof(TensorCore).GetMethod(method, BindingFlags.Public | BindingFlags.Static)!,
                new PTXIntrinsic(typeof(TensorCorePtx), emitter, IntrinsicImplementationMode.GenerateCode));
        }
    }

    /// <summary><see cref="TensorCore.MultiplyAdd(PairFragment, WeightFragment, WarpSums)"/>.</summary>
    public static void EmitMultiplyAdd(PTXBackend backend, PTXCodeGenerator generator, Value value)
    {
        List<string> pairs = Registers(
            generator, generator.Load(value[0])), weights = Registers(generator, generator.Load(value[1]));
        List<string> sums = Registers(
            generator, generator.Load(value[2])), results = Registers(generator, generator.Allocate(value));
        for (int tile = 0; tile < results.Count / TileWords; tile++)
        {
            // Within a block of columns tiles of C go across first, then down.
            int down = tile % TilesPerBlock / 2, across = (tile / TilesPerBlock * 2) + (tile % 2);
            string a = Vector(
                pairs, down * TileWords, TileWords), b = Vector(weights, across * WeightWords, WeightWords);
            string c = Vector(sums, tile * TileWords, TileWords), d = Vector(results, tile * TileWords, TileWords);
            Line(generator, $"{Multiply} {d}, {a}, {b}, {c};");
        }
    }

    /// <summary><see cref="TensorCore.PackRelu"/>.</summary>
    public static void EmitPackRelu(PTXBackend backend, PTXCodeGenerator generator, Value value)
    {
        string first = Register(generator, generator.LoadPrimitive(value[0])), second = Register(
            generator, generator.LoadPrimitive(value[1]));

        // The instruction takes the upper half first.
        Line(
            generator,
            $"cvt.rn.relu.bf16x2.f32 {Register(generator, generator.AllocateHardware(value))}, {second}, {first};");
    }

    /// <summary><see cref="TensorCore.CopyAsync"/>.</summary>
    public static void EmitCopyAsync(PTXBackend backend, PTXCodeGenerator generator, Value value)
    {
        Line(generator, "{");
        Line(generator, ".reg .u64 from, to;");
        string source = Address(generator, value[0], MemoryAddressSpace.Global, "from");
        string target = Address(generator, value[1], MemoryAddressSpace.Shared, "to");
        Line(generator, $"cp.async.cg.shared.global [{target}], [{source}], 16;");
        Line(generator, "}");
    }

    /// <summary><see cref="TensorCore.AwaitCopies"/>.</summary>
    public static void EmitAwaitCopies(PTXBackend backend, PTXCodeGenerator generator, Value value) =>
        Line(generator, "cp.async.wait_all;");

    // A pointer as an address of a space. By now ILGPU may know which space it points to, and then the register holds
    // an address of that space; only a generic address is converted: anything else would be shifted by the window.
    private static string Address(PTXCodeGenerator generator, Value pointer, MemoryAddressSpace space, string scratch)
    {
        string register = Register(generator, generator.LoadHardware(pointer));
        MemoryAddressSpace found = ((AddressSpaceType)pointer.Type).AddressSpace;
        if (found == space)
        {
            return register;
        }

        if (found != MemoryAddressSpace.Generic)
        {
            throw new NotSupportedException($"A copy takes an address of {space} memory; found one of {found} memory.");
        }

        Line(generator, $"cvta.to.{space.ToString().ToLowerInvariant()}.u64 {scratch}, {register};");
        return scratch;
    }

    /// <summary>Adds a line to the text.</summary>
    internal static void Line(PTXCodeGenerator generator, string text) =>
        generator.Builder.Append('\t').AppendLine(text);

    private static string Vector(List<string> registers, int first, int count) =>
        $"{{{string.Join(", ", registers.GetRange(first, count))}}}";

    /// <summary>The registers of a value, those of a struct in the order of its fields.</summary>
    internal static List<string> Registers(
        PTXCodeGenerator generator, RegisterAllocator<PTXRegisterKind>.Register register)
    {
        List<string> names = [];
        if (register is RegisterAllocator<PTXRegisterKind>.CompoundRegister compound)
        {
            foreach (RegisterAllocator<PTXRegisterKind>.Register child in compound.Children)
            {
                names.AddRange(Registers(generator, child));
            }
        }
        else
        {
            names.Add(Register(generator, (RegisterAllocator<PTXRegisterKind>.PrimitiveRegister)register));
        }

        return names;
    }

    private static string Register(
        PTXCodeGenerator generator, RegisterAllocator<PTXRegisterKind>.PrimitiveRegister register) =>
        $"%{PTXRegisterAllocator.GetStringRepresentation(generator.EnsureHardwareRegister(register))}";
}
