using HipiFast.Kernels.Networks;
using HipiFast.Kernels.SoftQ;
using HipiFast.Learning;
using HipiFast.Replay;

namespace HipiFast.Import;

/// <summary>
/// Agents whose networks happen to have two hidden ReLU layers of one width, as ordinary ones: bf16, GPUs and learners
/// know these.
/// </summary>
internal static class StandardForm
{
    /// <summary>An ordinary agent of the same networks.</summary>
    /// <param name="agent">The networks.</param>
    /// <returns>
    /// The agent, and whether its actor is the same too (it is 0 otherwise); null where critics are of another form.
    /// </returns>
    public static (AgentNetworks Networks, bool HasActor)? Of(LayeredAgent agent)
    {
        int hidden = agent.Critics[0].Layers[0].Outputs;
        if (agent.IsDiscrete || agent.Critics.Count > 2 || agent.CriticTaskEncoder is not null
            || !agent.Critics.All(critic => IsStandard(critic, hidden)))
        {
            return null;
        }

        TransitionShape shape = new(agent.ObservationDimension, agent.ActionDimension, agent.TaskDimension);
        bool hasActor = agent.Actor is not null && IsStandard(agent.Actor, hidden) && agent.ActorTaskEncoder is null
            && agent.LogStd == LogStdRule.Standard && agent.ActionScale.Span.IndexOfAnyExcept(1f) < 0
            && agent.ActionBias.Span.IndexOfAnyExcept(0f) < 0;
        AgentNetworks networks = new(shape, hidden, twin: agent.Critics.Count == 2);
        Copy(agent.Critics[0], networks.Critic1);
        if (networks.Critic2 is not null)
        {
            Copy(agent.Critics[1], networks.Critic2);
        }

        if (hasActor)
        {
            Copy(agent.Actor!, networks.Actor);
        }

        networks.SynchronizeTargets();
        return (networks, hasActor);
    }

    private static bool IsStandard(LayeredNetwork network, int hidden) =>
        network.Layers.Count == 3
        && network.Layers.Take(2).All(layer => layer.Outputs == hidden && layer.Steps.Count == 1
            && layer.Steps[0] is { Norm: null, Activation: Activation.Relu });

    private static void Copy(LayeredNetwork from, MlpParameters to)
    {
        for (int layer = 0; layer < 3; layer++)
        {
            to.ImportWeight(layer, from.Layers[layer].Weight.Span);
            from.Layers[layer].Bias.Span.CopyTo(to.Bias(layer));
        }

        to.MarkChanged();
    }
}
