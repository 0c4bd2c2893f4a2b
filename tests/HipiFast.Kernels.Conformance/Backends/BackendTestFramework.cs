using System.Reflection;
using System.Runtime.CompilerServices;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace HipiFast.Kernels.Conformance.Backends;

/// <summary>
/// xunit, except that the tests of a class whose backend cannot run here (<see cref="RunsBackendAttribute"/>) are
/// skipped. A skip is decided at discovery, as xunit 2 has no other; a theory is then one skipped test.
/// </summary>
public sealed class BackendTestFramework(IMessageSink messages) : XunitTestFramework(messages)
{
    protected override ITestFrameworkDiscoverer CreateDiscoverer(IAssemblyInfo assemblyInfo)
    {
        RegisterBackendsOf(new AssemblyName(assemblyInfo.Name));
        return new Discoverer(assemblyInfo, SourceInformationProvider, DiagnosticMessageSink);
    }

    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assemblyName)
    {
        RegisterBackendsOf(assemblyName);
        return new Executor(assemblyName, SourceInformationProvider, DiagnosticMessageSink);
    }

    // Test assemblies register backends of their own in module initializers, which run when the first code of the
    // assembly does: too late for discovery.
    private static void RegisterBackendsOf(AssemblyName tests) =>
        RuntimeHelpers.RunModuleConstructor(Assembly.Load(tests).ManifestModule.ModuleHandle);

    // Also what the executor finds when it is asked to run all.
    private sealed class Discoverer(IAssemblyInfo assembly, ISourceInformationProvider sources, IMessageSink messages)
        : XunitTestFrameworkDiscoverer(assembly, sources, messages)
    {
        protected override bool FindTestsForMethod(
            ITestMethod testMethod, bool includeSourceInformation, IMessageBus messageBus,
            ITestFrameworkDiscoveryOptions discoveryOptions)
        {
            bool isTest = testMethod.Method.GetCustomAttributes(typeof(FactAttribute)).Any();
            if (!isTest || BackendTestCase.WhyNot(testMethod) is null)
            {
                return base.FindTestsForMethod(testMethod, includeSourceInformation, messageBus, discoveryOptions);
            }

            TestMethodDisplay display = discoveryOptions.MethodDisplayOrDefault();
            BackendTestCase skipped = new(
                DiagnosticMessageSink, display, discoveryOptions.MethodDisplayOptionsOrDefault(), testMethod);
            return ReportDiscoveredTestCase(skipped, includeSourceInformation, messageBus);
        }
    }

    private sealed class Executor(AssemblyName assembly, ISourceInformationProvider sources, IMessageSink messages)
        : XunitTestFrameworkExecutor(assembly, sources, messages)
    {
        protected override ITestFrameworkDiscoverer CreateDiscoverer() =>
            new Discoverer(AssemblyInfo, SourceInformationProvider, DiagnosticMessageSink);
    }
}
