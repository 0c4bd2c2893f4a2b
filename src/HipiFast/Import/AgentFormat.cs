namespace HipiFast.Import;

/// <summary>Whose names the tensors of an agent have.</summary>
public enum AgentFormat
{
    /// <summary>Found out from the names.</summary>
    Auto,

    /// <summary>
    /// This library's own: <c>critic1.0.weight</c>, <c>actor.0.weight</c> (<see cref="Learning.AgentFile"/>).
    /// </summary>
    HipiFast,

    /// <summary>
    /// Stable-Baselines3's policies: <c>critic.qf0.0.weight</c>, <c>actor.latent_pi.0.weight</c>,
    /// <c>q_net.q_net.0.weight</c>.
    /// </summary>
    Sb3,

    /// <summary>
    /// CleanRL's networks: <c>qf1.fc1.weight</c>, <c>actor.fc_mean.weight</c>, <c>network.0.weight</c>.
    /// </summary>
    CleanRl,
}
