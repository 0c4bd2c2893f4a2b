using HipiFast.Storage;

namespace HipiFast.Learning;

/// <summary>Adam on log alpha, or a fixed alpha.</summary>
internal sealed class TemperatureOptimizer
{
    private const string FirstMomentName = "optim.log_alpha.m";
    private const string SecondMomentName = "optim.log_alpha.v";
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.999f;
    private const double Epsilon = 1e-8;

    private readonly AgentNetworks _networks;
    private readonly SacOptions _options;
    private readonly float _targetEntropy;
    private float _firstMoment;
    private float _secondMoment;

    /// <summary>Writes a fixed alpha to the agent.</summary>
    public TemperatureOptimizer(AgentNetworks networks, SacOptions options)
    {
        _networks = networks;
        _options = options;
        _targetEntropy = options.TargetEntropy ?? -networks.Shape.ActionDimension;
        ApplyFixedAlpha();
    }

    /// <summary>One step down <c>-alpha mean_b (log pi + target entropy)</c>.</summary>
    /// <param name="entropy"><c>-mean_b log pi</c>.</param>
    /// <param name="step">Number of the step, from 1.</param>
    /// <returns>The loss before the step, which is its own derivative by log alpha; 0 when alpha is fixed.</returns>
    public float Step(float entropy, long step)
    {
        if (_options.FixedAlpha is not null)
        {
            return 0f;
        }

        float loss = -_networks.Alpha * (_targetEntropy - entropy);
        _firstMoment = (Beta1 * _firstMoment) + ((1 - Beta1) * loss);
        _secondMoment = (Beta2 * _secondMoment) + ((1 - Beta2) * loss * loss);
        double mean = _firstMoment / (1 - Math.Pow(Beta1, step)), root = Math.Sqrt(
            _secondMoment / (1 - Math.Pow(Beta2, step)));
        _networks.LogAlpha -= (float)(_options.LearningRate * mean / (root + Epsilon));
        return loss;
    }

    public void AddTo(SafetensorsWriter writer, string prefix)
    {
        writer.Add<float>(prefix + FirstMomentName, [_firstMoment], 1);
        writer.Add<float>(prefix + SecondMomentName, [_secondMoment], 1);
    }

    /// <summary>Throws unless a checkpoint has the moments.</summary>
    public static void Require(SafetensorsFile file, string prefix)
    {
        file.Require(prefix + FirstMomentName, TensorType.Float32, 1);
        file.Require(prefix + SecondMomentName, TensorType.Float32, 1);
    }

    public void Load(SafetensorsFile file, string prefix)
    {
        file.ReadFinite(prefix + FirstMomentName, new Span<float>(ref _firstMoment));
        file.ReadFinite(prefix + SecondMomentName, new Span<float>(ref _secondMoment));
        ApplyFixedAlpha();
    }

    private void ApplyFixedAlpha()
    {
        if (_options.FixedAlpha is float alpha)
        {
            _networks.LogAlpha = MathF.Log(alpha);
        }
    }
}
