using System.Globalization;

namespace HipiFast.Import;

/// <summary>The layers of an agent as the names of a known format tell them.</summary>
internal static class KnownNames
{
    private static readonly string[] s_observationActionTask = ["observation", "action", "task"];
    private static readonly string[] s_observationTaskAction = ["observation", "task", "action"];

    /// <summary>Completes a description: critics, actor, order of inputs, the policy's deviations.</summary>
    /// <param name="state">The tensors.</param>
    /// <param name="format">Whose names they have.</param>
    /// <param name="given">What the caller says.</param>
    /// <param name="notes">Receives what was assumed and what is left out, a sentence each.</param>
    /// <returns>The description; what the caller says stands.</returns>
    /// <exception cref="InvalidDataException">There is no critic, or its names leave a question open.</exception>
    public static AgentLayers Describe(StateDict state, AgentFormat format, AgentLayers given, List<string> notes)
    {
        string activation = given.Activation ?? "relu";
        LayerSequence.RequireActivation(activation);
        AgentLayers found = format switch
        {
            AgentFormat.HipiFast => HipiFast(state, activation),
            AgentFormat.Sb3 => Sb3(state, activation, notes),
            _ => CleanRl(state, activation, notes),
        };
        if (found.Critics.Count == 0)
        {
            throw new InvalidDataException(
                $"{state.Source} holds no critic under the names of {AgentFormats.NameOf(format)}; it has "
                + $"{state.Describe()}.");
        }

        if (given.Activation is null && format != AgentFormat.HipiFast)
        {
            notes.Add("Activations are taken to be relu, which a state_dict does not say.");
        }

        return given with
        {
            Critics = found.Critics,
            Actor = given.Actor.Count > 0 ? given.Actor : found.Actor,
            Inputs = given.Inputs.Count > 0 ? given.Inputs : found.Inputs,
            IsDiscrete = given.IsDiscrete ?? found.IsDiscrete,
            LogStd = given.LogStd.Count > 0 ? given.LogStd : found.LogStd,
            LogStdIsSquashed = given.LogStdIsSquashed ?? found.LogStdIsSquashed,
        };
    }

    private static AgentLayers HipiFast(StateDict state, string activation)
    {
        state.LeaveOut("target1.");
        state.LeaveOut("target2.");
        List<string> actor = ThreeLayers("actor");
        return new AgentLayers
        {
            Critics = [.. new[] { "critic1", "critic2" }.Where(name => state.HasUnder(name + ".")).Select(ThreeLayers)],
            Actor = state.HasUnder("actor.") ? actor : [],
            Inputs = s_observationActionTask,
            IsDiscrete = false,
        };

        List<string> ThreeLayers(string name) =>
            [name + ".0", activation, name + ".1", activation, name + ".2"];
    }

    private static AgentLayers Sb3(StateDict state, string activation, List<string> notes)
    {
        LeaveOutTargets(state, notes, "critic_target.", "actor_target.", "q_net_target.");
        List<IReadOnlyList<string>> critics = [];
        for (int i = 0; state.HasUnder(Critic(i)); i++)
        {
            critics.Add(NumberedModules.Sequential(state, Critic(i), activation));
        }

        bool isDiscrete = critics.Count == 0 && state.HasUnder("q_net.q_net.");
        if (isDiscrete)
        {
            critics.Add(NumberedModules.Sequential(state, "q_net.q_net.", activation));
        }

        List<string> actor = [];
        if (state.RankOf("actor.mu") == 2 && state.RankOf("actor.log_std") == 2)
        {
            actor = NumberedModules.Sequential(state, "actor.latent_pi.", activation, isTrunk: true);
            actor.Add("actor.mu + actor.log_std");
        }
        else if (state.Has("actor.log_std"))
        {
            throw new InvalidDataException(
                $"{state.Tensor("actor.log_std")} is of state-dependent exploration (use_sde), which is not "
                + "understood; expected a linear layer 'actor.log_std.weight'.");
        }
        else if (state.HasUnder("actor.mu.") && state.LeaveOut("actor.mu."))
        {
            notes.Add("The actor 'actor.mu' is deterministic and left out: it says no action's probability.");
        }

        return new AgentLayers
        {
            Critics = critics, Actor = actor, Inputs = s_observationTaskAction, IsDiscrete = isDiscrete,
        };

        static string Critic(int number) => string.Create(CultureInfo.InvariantCulture, $"critic.qf{number}.");
    }

    private static AgentLayers CleanRl(StateDict state, string activation, List<string> notes)
    {
        LeaveOutTargets(
            state, notes,
            [
                .. state.Names.Select(name => name.Split('.')[0]).Distinct().Where(IsTarget).Select(name => name + "."),
            ]);
        bool hasNorm = false;
        List<IReadOnlyList<string>> critics = [];
        string actorPrefix = state.Has("fc_mean.weight") || state.Has("fc_mu.weight") ? string.Empty : "actor.";
        List<string> prefixes =
        [
            .. state.Names.Select(name => name.Split('.')[0]).Distinct().Where(IsCritic).OrderBy(NumberOf).Select(
                name => name + "."),
        ];
        if (actorPrefix.Length > 0)
        {
            // A file of one network, whose names have no prefix.
            prefixes.Add(string.Empty);
        }

        bool isDiscrete = false;
        foreach (string prefix in prefixes)
        {
            if (state.RankOf(prefix + "network.0") == 2)
            {
                isDiscrete = true;
                critics.Add(NumberedModules.Sequential(state, prefix + "network.", activation));
            }
            else if (state.RankOf(prefix + "fc1") == 2)
            {
                critics.Add(NumberedModules.Attributes(state, prefix, activation, false, out bool critic));
                hasNorm |= critic;
            }
        }

        List<string> actor = [];
        if (state.RankOf(actorPrefix + "fc_mean") == 2)
        {
            actor = NumberedModules.Attributes(state, actorPrefix, activation, true, out bool ofActor);
            actor.Add($"{actorPrefix}fc_mean + {actorPrefix}fc_logstd");
            hasNorm |= ofActor;
        }
        else if (state.RankOf(actorPrefix + "fc_mu") == 2 && actorPrefix.Length > 0 && state.LeaveOut(actorPrefix))
        {
            notes.Add(
                $"The actor '{actorPrefix}fc_mu' is deterministic and left out: it says no action's probability.");
        }

        if (hasNorm)
        {
            notes.Add("Layers are taken to be normalised before their activation, which a state_dict does not say.");
        }

        return new AgentLayers
        {
            Critics = critics,
            Actor = actor,
            Inputs = s_observationTaskAction,
            IsDiscrete = isDiscrete,
            LogStd = [-5f, 2f],
            LogStdIsSquashed = true,
        };

        static bool IsTarget(string name) => name.StartsWith("target_", StringComparison.Ordinal)
            || name.EndsWith("_target", StringComparison.Ordinal);

        static bool IsCritic(string name) =>
            name is "q_network" or "qf" || (name.StartsWith("qf", StringComparison.Ordinal) && NumberOf(name) >= 0);
    }

    // The number of qf1, and -1 of what has none.
    private static int NumberOf(string name) => name.Length > 2 && int.TryParse(
        name.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1;

    private static void LeaveOutTargets(StateDict state, List<string> notes, params string[] prefixes)
    {
        string[] found = [.. prefixes.Where(state.LeaveOut)];
        if (found.Length > 0)
        {
            notes.Add($"Target networks are left out: {string.Join(", ", found.Select(prefix => prefix + "*"))}.");
        }
    }
}
