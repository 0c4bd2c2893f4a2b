using HipiFast.Learning;
using HipiFast.Replay;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace HipiFast.TorchPeers;

/// <summary>
/// One gradient step of SAC as code on torch is commonly written: twin critics, a tanh-Gaussian actor, a learned
/// temperature, three Adam optimisers and averaged targets, on a batch in memory.
/// </summary>
internal sealed class TorchSac : IDisposable
{
    private const double HalfLogTwoPi = 0.91893853320467274, LogTwo = 0.69314718055994531;

    private readonly SacOptions _options;
    private readonly int _actions;
    private readonly Sequential _actor, _critic1, _critic2, _target1, _target2;
    private readonly Parameter _logAlpha;
    private readonly optim.Optimizer _critics, _policy, _temperature;
    private readonly Tensor _state, _action, _reward, _next, _terminated;

    /// <summary>Copies networks and a batch.</summary>
    /// <param name="agent">Networks whose inputs are (s, a, psi) and (s, psi).</param>
    /// <param name="batch">The batch.</param>
    /// <param name="options">Rates, discount and averaging; the target entropy is minus the number of actions.</param>
    public TorchSac(AgentNetworks agent, TransitionBatch batch, SacOptions options)
    {
        TransitionShape shape = batch.Shape;
        _options = options;
        _actions = shape.ActionDimension;
        _actor = Module(agent.Actor);
        (_critic1, _critic2) = (Module(agent.Critic1), Module(agent.Critic2!));
        (_target1, _target2) = (Module(agent.Target1), Module(agent.Target2!));
        _logAlpha = new Parameter(tensor(agent.LogAlpha).reshape(1));
        _critics = optim.Adam(_critic1.parameters().Concat(_critic2.parameters()), options.LearningRate);
        _policy = optim.Adam(_actor.parameters(), options.LearningRate);
        _temperature = optim.Adam([_logAlpha], options.LearningRate);

        // Networks see the task beside the state: (s, psi), and (s, a, psi) as the engine's critics have it.
        _state = Columns(batch.Observation, shape.ObservationDimension);
        _next = Columns(batch.NextObservation, shape.ObservationDimension);
        Task = Columns(batch.Task, shape.TaskDimension);
        _action = Columns(batch.Action, shape.ActionDimension);
        _reward = Columns(batch.Reward, 1);
        _terminated = TorchNetwork.Make(
            batch.Terminated.ToArray().Select(flag => (float)flag).ToArray(), ScalarType.Float32, batch.Count, 1);
        NextNoise = zeros(batch.Count, _actions).DetachFromDisposeScope();

        Tensor Columns(Span<float> values, int width) =>
            TorchNetwork.Make(values.ToArray(), ScalarType.Float32, values.Length / width, width);
    }

    /// <summary>The noise of the next states' actions in the last step, for its check.</summary>
    public Tensor NextNoise { get; }

    private Tensor Task { get; }

    /// <summary>One step.</summary>
    /// <returns>The critics' mean squared errors, summed, as the step found them; of no dispose scope.</returns>
    public Tensor Step()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor alpha = _logAlpha.exp().detach(), regressand;
        using (no_grad())
        {
            NextNoise.normal_();
            (Tensor nextAction, Tensor nextLog) = Sample(_next, NextNoise);
            Tensor next = cat([_next, nextAction, Task], 1);
            Tensor value = minimum(_target1.forward(next), _target2.forward(next)).sub(alpha.mul(nextLog));
            regressand = _reward.add(_terminated.neg().add(1).mul(value).mul(_options.Gamma));
        }

        Tensor input = cat([_state, _action, Task], 1);
        Tensor loss = F.mse_loss(_critic1.forward(input), regressand).add(
            F.mse_loss(_critic2.forward(input), regressand));
        Descend(_critics, loss);

        (Tensor action, Tensor logProbability) = Sample(_state, randn_like(_action));
        Tensor own = cat([_state, action, Task], 1);
        Descend(
            _policy,
            alpha.mul(logProbability).sub(minimum(_critic1.forward(own), _critic2.forward(own))).mean());
        Descend(_temperature, _logAlpha.exp().mul(logProbability.detach().sub(_actions)).mean().neg());
        using (no_grad())
        {
            foreach ((Parameter from, Parameter to) in _critic1.parameters().Concat(_critic2.parameters()).Zip(
                _target1.parameters().Concat(_target2.parameters())))
            {
                to.mul_(1 - _options.Tau).add_(from, _options.Tau);
            }
        }

        return loss.detach().DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])
            [
                _critics, _policy, _temperature, _actor, _critic1, _critic2, _target1, _target2, _logAlpha, _state,
                _action, _reward, _next, _terminated, Task, NextNoise,
            ])
        {
            part.Dispose();
        }
    }

    private static void Descend(optim.Optimizer optimizer, Tensor loss)
    {
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
    }

    private static Sequential Module(Kernels.Networks.MlpParameters network)
    {
        Linear[] layers = new Linear[3];
        for (int layer = 0; layer < layers.Length; layer++)
        {
            int inputs = network.LayerInputs(layer), outputs = network.LayerOutputs(layer);
            float[] weight = new float[inputs * outputs];
            network.ExportWeight(layer, weight);
            layers[layer] = nn.Linear(inputs, outputs);
            using (no_grad())
            {
                using Tensor weights = tensor(weight, [outputs, inputs]);
                using Tensor bias = tensor(network.Bias(layer).ToArray());
                layers[layer].weight!.copy_(weights);
                layers[layer].bias!.copy_(bias);
            }
        }

        return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]);
    }

    private (Tensor Action, Tensor LogProbability) Sample(Tensor state, Tensor noise)
    {
        Tensor[] head = _actor.forward(cat([state, Task], 1)).chunk(2, 1);
        Tensor logDeviation = head[1].clamp(-20, 2);
        Tensor raw = head[0].add(logDeviation.exp().mul(noise));
        Tensor gaussian = noise.square().mul(-0.5).sub(logDeviation).sub(HalfLogTwoPi);
        Tensor correction = raw.add(F.softplus(raw.mul(-2))).neg().add(LogTwo).mul(2);
        return (raw.tanh(), gaussian.sub(correction).sum(1, keepdim: true));
    }
}
