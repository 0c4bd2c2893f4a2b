using Xunit.Abstractions;
using Xunit.Sdk;

namespace HipiFast.Kernels.Conformance.Backends;

/// <summary>A test that is skipped with its backend's reason.</summary>
public sealed class BackendTestCase : XunitTestCase
{
    /// <summary>For deserialisation.</summary>
    [Obsolete("For deserialisation only.")]
    public BackendTestCase()
    {
    }

    public BackendTestCase(
        IMessageSink messages, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(messages, display, options, method)
    {
    }

    /// <summary>
    /// Why the backend of the test's class cannot run here; null when it can, or when the class names none.
    /// </summary>
    internal static string? WhyNot(ITestMethod method)
    {
        IAttributeInfo? attribute = method.TestClass.Class.GetCustomAttributes(
            typeof(RunsBackendAttribute)).SingleOrDefault();
        return attribute is null
            ? null
            : RunsBackendAttribute.WhyNot(attribute.GetNamedArgument<string>(nameof(RunsBackendAttribute.Name)));
    }

    protected override string? GetSkipReason(IAttributeInfo factAttribute) =>
        base.GetSkipReason(factAttribute) ?? WhyNot(TestMethod);
}
