using HipiFast.Kernels.Devices.Runtime;

namespace HipiFast.Kernels.Cuda.Tests.Machine;

/// <summary>
/// A kernel of one view, <c>data</c>, written in PTX by a test; <c>%data</c> is its address, <c>%t</c> the thread's
/// number and <c>%own</c> the address of the thread's word.
/// </summary>
internal static class SmallKernel
{
    private const string Name = "small";

    /// <summary>A catalog that holds the kernel alone.</summary>
    /// <param name="body">Its instructions.</param>
    /// <param name="declarations">What stands before the kernel.</param>
    public static PtxCatalog Catalog(string body, string declarations = "") => new(file => file switch
    {
        "manifest.txt" => $"{Name}\t-\t80\tsmall.ptx\tKernel_Small\n",
        _ => $$"""
            .version 7.0
            .target sm_80
            .address_size 64
            {{declarations}}
            .visible .entry Kernel_Small(
            	.param .align 8 .b8 data[16]
            )
            {
            	.reg .b64 %data, %own, %x<8>;
            	.reg .b32 %t, %g, %n, %r<8>;
            	.reg .f32 %f<8>;
            	.reg .pred %p<4>;
            	ld.param.b64 %data, [data];
            	cvta.to.global.u64 %data, %data;
            	mov.b32 %g, %ctaid.x;
            	mov.b32 %n, %ntid.x;
            	mov.b32 %t, %tid.x;
            	mad.lo.s32 %t, %g, %n, %t;
            	mul.wide.u32 %own, %t, 4;
            	add.u64 %own, %own, %data;
            {{body}}
            	ret;
            }

            """,
    });

    /// <summary>Queues the kernel on the main stream.</summary>
    public static void Launch(
        CudaRuntime runtime, DeviceView data, int groups = 1, int threads = 32, int dynamicShared = 0,
        DeviceStream? stream = null)
    {
        using LaunchArguments arguments = new();
        runtime.Launch(
            runtime.Load(Name),
            new LaunchShape(new DeviceExtent(groups), new DeviceExtent(threads), dynamicShared), arguments.Add(data),
            stream);
    }

    /// <summary>Runs the kernel on 32 words of zeros for each warp.</summary>
    /// <returns>The fault's name; empty when all went well.</returns>
    public static string Run(
        string body, string declarations = "", int groups = 1, int threads = 32, int dynamicShared = 0)
    {
        FakeDriver fake = new() { Executes = true, InstructionLimit = 100_000 };
        using CudaRuntime runtime = fake.Open(Catalog(body, declarations));
        try
        {
            DeviceBuffer buffer = runtime.Allocate(4L * groups * threads);
            runtime.Clear(buffer.View<int>());
            Launch(runtime, buffer.View<int>(), groups, threads, dynamicShared);
            runtime.Synchronize();
        }
        catch (DeviceException)
        {
            return fake.Fault.Split(':')[0];
        }

        return fake.Fault;
    }
}
