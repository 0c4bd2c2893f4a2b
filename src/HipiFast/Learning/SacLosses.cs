namespace HipiFast.Learning;

/// <summary>What one update saw, all before its step.</summary>
/// <param name="CriticLoss">
/// Scale times the sum over critics of the mean squared error, <c>0.5 sum_k mean_b (Q_k - y)^2</c>.
/// </param>
/// <param name="ActorLoss"><c>mean_b (alpha log pi - min_k Q_k)</c>, with the critics as this update left them.</param>
/// <param name="AlphaLoss"><c>-alpha mean_b (log pi + target entropy)</c>; 0 when alpha is fixed.</param>
/// <param name="Alpha">alpha.</param>
/// <param name="MeanQ">Mean of Q_k(s, a) over batch and critics.</param>
/// <param name="Entropy"><c>-mean_b log pi</c> of freshly sampled actions, in nats.</param>
public readonly record struct SacLosses(
    float CriticLoss, float ActorLoss, float AlphaLoss, float Alpha, float MeanQ, float Entropy);
