namespace HipiFast.Benchmarks;

/// <summary>
/// The pendulum that RLtools' SAC benchmark trains on (its <c>rl/environments/pendulum</c>): swing up and balance, 200
/// steps an episode, never terminating.
/// </summary>
internal sealed class Pendulum
{
    public const int ObservationDimension = 3;
    public const int EpisodeLength = 200;

    private const float Gravity = 10f;
    private const float MaxSpeed = 8f;
    private const float MaxTorque = 2f;
    private const float TimeStep = 0.05f;

    // Mass and length are 1.
    private const float TorqueGain = 3f;
    private const float GravityGain = 1.5f * Gravity;

    private float _angle;
    private float _speed;

    /// <summary>Begins an episode.</summary>
    /// <param name="first">Uniform number in [0, 1) that sets the angle in [-pi, pi).</param>
    /// <param name="second">Uniform number in [0, 1) that sets the speed in [-1, 1).</param>
    public void Reset(float first, float second)
    {
        _angle = ((2 * first) - 1) * MathF.PI;
        _speed = (2 * second) - 1;
    }

    /// <summary>Writes cos, sin and speed.</summary>
    /// <param name="observation">Receives <see cref="ObservationDimension"/> entries.</param>
    public void Observe(Span<float> observation)
    {
        (observation[1], observation[0]) = MathF.SinCos(_angle);
        observation[2] = _speed;
    }

    /// <summary>Moves on by one time step.</summary>
    /// <param name="action">Torque as a fraction of the largest, in [-1, 1].</param>
    /// <returns>The reward of the state before the step and the action.</returns>
    public float Step(float action)
    {
        float torque = MaxTorque * Math.Clamp(action, -1f, 1f);
        float angle = _angle - (2 * MathF.PI * MathF.Floor((_angle + MathF.PI) / (2 * MathF.PI)));
        float reward = -((angle * angle) + (0.1f * _speed * _speed) + (0.001f * torque * torque));
        _speed = Math.Clamp(
            _speed + (((GravityGain * MathF.Sin(_angle)) + (TorqueGain * torque)) * TimeStep), -MaxSpeed, MaxSpeed);
        _angle += _speed * TimeStep;
        return reward;
    }
}
