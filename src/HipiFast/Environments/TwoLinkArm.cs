namespace HipiFast.Environments;

/// <summary>Angles and angular velocities of a two-link arm.</summary>
/// <param name="Shoulder">q1, rad, from the x axis.</param>
/// <param name="Wrist">q2, rad, from the first link's direction.</param>
/// <param name="ShoulderVelocity">Rate of q1, rad/s.</param>
/// <param name="WristVelocity">Rate of q2, rad/s.</param>
internal readonly record struct ArmState(float Shoulder, float Wrist, float ShoulderVelocity, float WristVelocity);

/// <summary>
/// A two-link arm in the horizontal plane: rigid links, viscous joints, torques at both joints, an inelastic stop at
/// the wrist.
/// </summary>
/// <remarks>
/// Equations of motion: <c>M(q) q'' + C(q, q') + damping q' = torque</c> with
/// <c>M11 = I1 + I2 + m1 c1^2 + m2 (l1^2 + c2^2 + 2 l1 c2 cos q2)</c>, <c>M12 = I2 + m2 (c2^2 + l1 c2 cos q2)</c>,
/// <c>M22 = I2 + m2 c2^2</c>, <c>C = h (-2 q1' q2' - q2'^2, q1'^2)</c> and <c>h = m2 l1 c2 sin q2</c>; l are lengths, c
/// distances to the centres of mass, I moments of inertia about them. Lengths, the joints' damping and gear, the
/// wrist's range and the step follow dm_control's reacher (Tassa et al., 2018); masses are those of its capsules at the
/// density of water.
/// </remarks>
internal readonly record struct TwoLinkArm()
{
    /// <summary>l1, shoulder to wrist, m.</summary>
    public const float ArmLength = 0.12f;

    /// <summary>l2, wrist to fingertip, m.</summary>
    public const float HandLength = 0.12f;

    private const float ArmMass = 0.042f;
    private const float ArmCentre = 0.06f;
    private const float ArmInertia = 6.4e-5f;
    private const float HandMass = 0.040f;
    private const float HandCentre = 0.057f;
    private const float HandInertia = 5.6e-5f;

    /// <summary>Viscous damping of both joints, N m s.</summary>
    public float Damping { get; init; } = 0.01f;

    /// <summary>The wrist stays within plus and minus this, rad: 160 degrees.</summary>
    public float WristLimit { get; init; } = 160f * MathF.PI / 180f;

    /// <summary>Where the fingertip is, m.</summary>
    public static (float X, float Y) Fingertip(in ArmState state)
    {
        (float armSine, float armCosine) = MathF.SinCos(state.Shoulder);
        (float handSine, float handCosine) = MathF.SinCos(state.Shoulder + state.Wrist);
        return ((ArmLength * armCosine) + (HandLength * handCosine), (ArmLength * armSine) + (HandLength * handSine));
    }

    /// <summary>Kinetic energy, J (there is no other in the horizontal plane).</summary>
    public static float Energy(in ArmState state)
    {
        (float m11, float m12, float m22) = MassMatrix(MathF.Cos(state.Wrist));
        float v1 = state.ShoulderVelocity, v2 = state.WristVelocity;
        return 0.5f * ((m11 * v1 * v1) + (2f * m12 * v1 * v2) + (m22 * v2 * v2));
    }

    /// <summary>One step of the classic Runge-Kutta method of order 4, then the wrist's stop.</summary>
    /// <param name="state">Before.</param>
    /// <param name="shoulderTorque">N m.</param>
    /// <param name="wristTorque">N m.</param>
    /// <param name="dt">s.</param>
    /// <returns>After; the shoulder's angle in [-pi, pi].</returns>
    public ArmState Integrate(in ArmState state, float shoulderTorque, float wristTorque, float dt)
    {
        ArmState k1 = Derivative(state, shoulderTorque, wristTorque);
        ArmState k2 = Derivative(Along(state, k1, 0.5f * dt), shoulderTorque, wristTorque);
        ArmState k3 = Derivative(Along(state, k2, 0.5f * dt), shoulderTorque, wristTorque);
        ArmState k4 = Derivative(Along(state, k3, dt), shoulderTorque, wristTorque);
        ArmState slope = Along(Along(Along(k1, k2, 2f), k3, 2f), k4, 1f);
        ArmState next = Along(state, slope, dt / 6f);
        float shoulder = next.Shoulder - (2f * MathF.PI * MathF.Round(next.Shoulder / (2f * MathF.PI)));
        return MathF.Abs(next.Wrist) < WristLimit
            ? next with { Shoulder = shoulder }
            : next with { Shoulder = shoulder, Wrist = MathF.CopySign(WristLimit, next.Wrist), WristVelocity = 0f };
    }

    private static ArmState Along(in ArmState state, in ArmState slope, float amount) => new(
        state.Shoulder + (amount * slope.Shoulder),
        state.Wrist + (amount * slope.Wrist),
        state.ShoulderVelocity + (amount * slope.ShoulderVelocity),
        state.WristVelocity + (amount * slope.WristVelocity));

    private static (float M11, float M12, float M22) MassMatrix(float wristCosine)
    {
        const float m22 = HandInertia + (HandMass * HandCentre * HandCentre);
        float coupling = HandMass * ArmLength * HandCentre * wristCosine;
        float m11 = ArmInertia + (ArmMass * ArmCentre * ArmCentre) + (HandMass * ArmLength * ArmLength) + m22
            + (2f * coupling);
        return (m11, m22 + coupling, m22);
    }

    private ArmState Derivative(in ArmState state, float shoulderTorque, float wristTorque)
    {
        (float sine, float cosine) = MathF.SinCos(state.Wrist);
        (float m11, float m12, float m22) = MassMatrix(cosine);
        float h = HandMass * ArmLength * HandCentre * sine, v1 = state.ShoulderVelocity, v2 = state.WristVelocity;
        float force1 = shoulderTorque - (Damping * v1) + (h * v2 * ((2f * v1) + v2));
        float force2 = wristTorque - (Damping * v2) - (h * v1 * v1);
        float determinant = (m11 * m22) - (m12 * m12);
        return new ArmState(
            v1, v2, ((m22 * force1) - (m12 * force2)) / determinant, ((m11 * force2) - (m12 * force1)) / determinant);
    }
}
