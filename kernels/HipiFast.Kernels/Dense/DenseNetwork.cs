using System.Runtime.CompilerServices;
using HipiFast.Kernels.Networks;
using HipiFast.Kernels.Numerics;

namespace HipiFast.Kernels.Dense;

/// <summary>
/// Whole passes through a network over one vector type. Activations are row-major <c>[batch][HiddenStride]</c> and
/// weights <c>[in][out]</c>, so a vector holds output units and inputs are broadcast; the only repacking is of W2: a
/// transposed copy per backward pass (of W3 too where it has several outputs) and, where it is wide, panels in a
/// forward pass.
/// </summary>
/// <remarks>
/// Letters: x input, h1 and h2 hidden activations, y output; B batch, H HiddenStride, O OutputStride. The methods with
/// loops ask for full optimisation at once: the versions that profiling would lead to are slower, and those before it
/// many times so.
/// </remarks>
internal static unsafe class DenseNetwork<TSimd, TVector>
    where TSimd : struct, ISimd<TVector>
    where TVector : struct
{
    private const int TallRows = 8;
    private const int WideRows = 6;
    private const int ShortRows = 4;

    /// <summary>
    /// Widest W2 row, in floats, that is read in place: up to here the whole matrix fits in the L1 cache or nearly.
    /// </summary>
    private const int WidestInPlace = 64;

    /// <summary>
    /// Floats of a panel of four vectors up to which it stays in the L1 cache beside the rows that are multiplied with
    /// it: 32 KiB.
    /// </summary>
    private const int LargestWidePanel = 8192;

    /// <summary>Fewest rows of a batch that pay for copying a panel of W2.</summary>
    private const int FewestRowsToPack = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Forward(float* parameters, in MlpShape shape, in MatrixView input, MlpActivations activations)
    {
        int batch = input.Rows, hidden = shape.HiddenStride, row = activations.Hidden1.Stride;
        float* h1 = activations.Hidden1.Row(0), h2 = activations.Hidden2.Row(0), y = activations.Output.Row(0);
        Multiply<BiasReluEpilogue>(
            input.Row(0), input.Stride, 1, batch, parameters + shape.Weight1, hidden, hidden, shape.Inputs, h1, row,
            parameters + shape.Bias1, null);
        HiddenForward(h1, row, batch, parameters, shape, h2, activations.Repacked.Row(0));
        if (shape.OutputStride == 1)
        {
            RowDots(h2, row, batch, parameters + shape.Weight3, hidden, parameters[shape.Bias3], y, 1);
        }
        else
        {
            int output = shape.OutputStride;
            Multiply<BiasEpilogue>(
                h2, row, 1, batch, parameters + shape.Weight3, output, output, shape.Hidden, y, output,
                parameters + shape.Bias3, null);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Backward(
        float* parameters, in MlpShape shape, in MatrixView input, MlpActivations activations, float* gradient,
        in MatrixView inputGradient,
            int firstInput)
    {
        int batch = input.Rows, hidden = shape.HiddenStride, output = shape.OutputStride,
            row = activations.Hidden1.Stride;
        float* h1 = activations.Hidden1.Row(0), h2 = activations.Hidden2.Row(0);
        float* dh1 = activations.Hidden1Gradient.Row(0), dh2 = activations.Hidden2Gradient.Row(0),
            dy = activations.OutputGradient.Row(0);
        float* transposed = activations.Repacked.Row(0);
        int transposedStride = activations.Repacked.Stride;

        if (output == 1 && gradient == null)
        {
            SingleOutputInputBackward(parameters, shape, batch, activations, inputGradient, firstInput);
            return;
        }

        if (output == 1)
        {
            SingleOutputBackward(
                h2, row, dy, parameters + shape.Weight3, batch, hidden, dh2, gradient + shape.Weight3,
                gradient + shape.Bias2);
            float sum = 0;
            for (int b = 0; b < batch; b++)
            {
                sum += dy[b];
            }

            new Span<float>(gradient + shape.Bias3, MlpShape.LaneCount).Clear();
            gradient[shape.Bias3] = sum;
        }
        else
        {
            Transpose(parameters + shape.Weight3, output, hidden, output, transposed, transposedStride);
            Multiply<MaskEpilogue>(
                dy, output, 1, batch, transposed, transposedStride, hidden, shape.Outputs, dh2, row, null, h2);
            if (gradient != null)
            {
                Multiply<PlainEpilogue>(
                    h2, 1, row, hidden, dy, output, output, batch, gradient + shape.Weight3, output, null, null);
                ColumnSums(dy, output, batch, output, gradient + shape.Bias3);
                ColumnSums(dh2, row, batch, hidden, gradient + shape.Bias2);
            }
        }

        Transpose(parameters + shape.Weight2, hidden, hidden, hidden, transposed, transposedStride);
        Multiply<MaskEpilogue>(
            dh2, row, 1, batch, transposed, transposedStride, hidden, shape.Hidden, dh1, row, null, h1);
        if (gradient != null)
        {
            Multiply<PlainEpilogue>(
                h1, 1, row, hidden, dh2, row, hidden, batch, gradient + shape.Weight2, hidden, null, null);
            Multiply<PlainEpilogue>(
                input.Row(0), 1, input.Stride, shape.Inputs, dh1, row, hidden, batch, gradient + shape.Weight1, hidden,
                null, null);
            ColumnSums(dh1, row, batch, hidden, gradient + shape.Bias1);
        }

        for (int i = 0; inputGradient.Rows > 0 && i < inputGradient.Columns; i++)
        {
            RowDots(
                dh1, row, batch, parameters + shape.Weight1 + ((nint)(firstInput + i) * hidden), hidden, 0f,
                inputGradient.Row(0) + i,
                inputGradient.Stride);
        }
    }

    /// <summary>
    /// Adam and, where <paramref name="target"/> is not null, the target's step behind it: every array goes through the
    /// core once.
    /// </summary>
    public static void Adam(
        in AdamStep step, float* gradient, float* parameters, float* firstMoment, float* secondMoment, float* target,
        nint length)
    {
        nint whole = length / TSimd.Count * TSimd.Count;
        AdamLoop(
            step, step.CorrectedRate, step.RootCorrection, gradient, parameters, firstMoment, secondMoment, target,
            whole);
        int rest = (int)(length - whole);
        if (rest > 0)
        {
            step.Apply(
                new(gradient + whole, rest),
                new(parameters + whole, rest),
                new(firstMoment + whole, rest),
                new(secondMoment + whole, rest),
                target == null ? default : new(target + whole, rest));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* other, float* sum, nint length)
    {
        nint i = 0;
        for (; i <= length - TSimd.Count; i += TSimd.Count)
        {
            TSimd.Store(TSimd.Add(TSimd.Load(sum + i), TSimd.Load(other + i)), sum + i);
        }

        for (; i < length; i++)
        {
            sum[i] += other[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SquaredNorm(float* values, nint length)
    {
        TVector sum0 = TSimd.Zero, sum1 = TSimd.Zero;
        nint i = 0;
        for (; i <= length - (2 * TSimd.Count); i += 2 * TSimd.Count)
        {
            TVector x0 = TSimd.Load(values + i), x1 = TSimd.Load(values + i + TSimd.Count);
            sum0 = TSimd.MultiplyAdd(x0, x0, sum0);
            sum1 = TSimd.MultiplyAdd(x1, x1, sum1);
        }

        double sum = TSimd.Sum(TSimd.Add(sum0, sum1));
        for (; i < length; i++)
        {
            sum += (double)values[i] * values[i];
        }

        return sum;
    }

    /// <summary>Whole vectors only; a leaf, so that its constants stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AdamLoop(
        in AdamStep step, float correctedRate, float rootCorrection, float* gradient, float* parameters,
        float* firstMoment, float* secondMoment,
            float* target, nint length)
    {
        TVector scale = TSimd.Broadcast(step.GradientScale);
        TVector decay1 = TSimd.Broadcast(step.Beta1), rest1 = TSimd.Broadcast(1f - step.Beta1);
        TVector decay2 = TSimd.Broadcast(step.Beta2), rest2 = TSimd.Broadcast(1f - step.Beta2);
        TVector least = TSimd.Broadcast(
            AdamStep.SmallestMagnitude), leastSquare = TSimd.Broadcast(AdamStep.SmallestSquare);
        TVector rate = TSimd.Broadcast(-correctedRate), root = TSimd.Broadcast(rootCorrection),
            epsilon = TSimd.Broadcast(step.Epsilon);
        TVector weight = TSimd.Broadcast(step.TargetUpdateRate);
        for (nint i = 0; i < length; i += TSimd.Count)
        {
            // All loads first: where two of the arrays lie a multiple of 4 KiB apart, a load behind a store to the same
            // offset would wait for it.
            TVector g = TSimd.Load(gradient + i), m = TSimd.Load(firstMoment + i), v = TSimd.Load(secondMoment + i),
                p = TSimd.Load(parameters + i);
            TVector old = target == null ? p : TSimd.Load(target + i);
            g = TSimd.FlushBelow(TSimd.Multiply(g, scale), least);
            m = TSimd.FlushBelow(TSimd.MultiplyAdd(decay1, m, TSimd.Multiply(rest1, g)), least);
            v = TSimd.FlushBelow(
                TSimd.MultiplyAdd(decay2, v, TSimd.Multiply(TSimd.Multiply(rest2, g), g)), leastSquare);
            p = TSimd.Add(p, TSimd.DivideByRoot(TSimd.Multiply(rate, m), v, root, epsilon));
            TSimd.Store(m, firstMoment + i);
            TSimd.Store(v, secondMoment + i);
            TSimd.Store(p, parameters + i);
            if (target != null)
            {
                TSimd.Store(TSimd.MultiplyAdd(weight, TSimd.Subtract(p, old), old), target + i);
            }
        }
    }

    /// <summary>
    /// Second layer. A column panel of a wide W2 has the row stride of W2, often a power of two, and would fall on a
    /// few sets of the L1 cache; so each panel is first copied together, where all rows of the batch then find it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HiddenForward(
        float* h1, nint row, int batch, float* parameters, in MlpShape shape, float* h2, float* packed)
    {
        int hidden = shape.HiddenStride;
        float* weight = parameters + shape.Weight2, bias = parameters + shape.Bias2;
        if (hidden <= WidestInPlace || batch < FewestRowsToPack)
        {
            Multiply<BiasReluEpilogue>(h1, row, 1, batch, weight, hidden, hidden, shape.Hidden, h2, row, bias, null);
            return;
        }

        const int Panel = 2 * MlpShape.LaneCount;
        for (int column = 0; column < hidden; column += Panel)
        {
            int width = Math.Min(Panel, hidden - column);
            for (int i = 0; i < shape.Hidden; i++)
            {
                for (int lane = 0; lane < width; lane += TSimd.Count)
                {
                    TSimd.Store(TSimd.Load(weight + ((nint)i * hidden) + column + lane), packed + (i * Panel) + lane);
                }
            }

            Multiply<BiasReluEpilogue>(
                h1, row, 1, batch, packed, Panel, width, shape.Hidden, h2 + column, row, bias + column, null);
        }
    }

    /// <summary>
    /// <c>C = finish(start + A B)</c>: A is rows x depth, read as a[r aRow + k aStep]; B is depth x columns (a multiple
    /// of 16); C and mask share the row stride cRow. C overlaps no operand. Where the row count is no multiple of a
    /// tile, the last tile is moved up over rows already done: computing a row twice gives the same bits and needs no
    /// narrower tile.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply<TEpilogue>(
        float* a, nint aRow, nint aStep, int rows, float* b, nint bStep, int columns, int depth, float* c, nint cRow,
        float* bias, float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        int column = 0;
        if (TSimd.HasTallTile && rows >= TallRows && (long)depth * 4 * TSimd.Count <= LargestWidePanel)
        {
            for (; column <= columns - (4 * TSimd.Count); column += 4 * TSimd.Count)
            {
                MultiplyWide<TEpilogue>(
                    a, aRow, aStep, rows, b + column, bStep, depth, c + column, cRow, bias + column, mask + column);
            }
        }

        for (; column <= columns - (2 * TSimd.Count); column += 2 * TSimd.Count)
        {
            float* cAt = c + column, biasAt = bias + column, maskAt = mask + column, bAt = b + column;
            int row = 0;
            if (TSimd.HasTallTile && rows >= TallRows)
            {
                for (; row < rows - ShortRows; row += TallRows)
                {
                    nint r = Math.Min(row, rows - TallRows);
                    DenseTile<TSimd, TVector>.EightByTwo<TEpilogue>(
                        a + (r * aRow), aRow, aStep, bAt, bStep, depth, cAt + (r * cRow), cRow, biasAt,
                        maskAt + (r * cRow));
                }
            }

            if (rows >= ShortRows)
            {
                for (; row < rows; row += ShortRows)
                {
                    nint r = Math.Min(row, rows - ShortRows);
                    DenseTile<TSimd, TVector>.FourByTwo<TEpilogue>(
                        a + (r * aRow), aRow, aStep, bAt, bStep, depth, cAt + (r * cRow), cRow, biasAt,
                        maskAt + (r * cRow));
                }
            }

            for (; row < rows; row++)
            {
                DenseTile<TSimd, TVector>.OneByTwo<TEpilogue>(
                    a + (row * aRow), aStep, bAt, bStep, depth, cAt + (row * cRow), biasAt, maskAt + (row * cRow));
            }
        }

        for (; column < columns; column += TSimd.Count)
        {
            float* cAt = c + column, biasAt = bias + column, maskAt = mask + column, bAt = b + column;
            int row = 0;
            if (TSimd.HasTallTile && rows >= TallRows)
            {
                for (; row < rows - ShortRows; row += TallRows)
                {
                    nint r = Math.Min(row, rows - TallRows);
                    DenseTile<TSimd, TVector>.EightByOne<TEpilogue>(
                        a + (r * aRow), aRow, aStep, bAt, bStep, depth, cAt + (r * cRow), cRow, biasAt,
                        maskAt + (r * cRow));
                }
            }

            if (rows >= ShortRows)
            {
                for (; row < rows; row += ShortRows)
                {
                    nint r = Math.Min(row, rows - ShortRows);
                    DenseTile<TSimd, TVector>.FourByOne<TEpilogue>(
                        a + (r * aRow), aRow, aStep, bAt, bStep, depth, cAt + (r * cRow), cRow, biasAt,
                        maskAt + (r * cRow));
                }
            }

            for (; row < rows; row++)
            {
                DenseTile<TSimd, TVector>.OneByOne<TEpilogue>(
                    a + (row * aRow), aStep, bAt, bStep, depth, cAt + (row * cRow), biasAt, maskAt + (row * cRow));
            }
        }
    }

    /// <summary>
    /// Four vectors of columns, by tiles of six rows as long as what remains afterwards is no worse than a tile of
    /// eight or four; 8 rows or more.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyWide<TEpilogue>(
        float* a, nint aRow, nint aStep, int rows, float* b, nint bStep, int depth, float* c, nint cRow, float* bias,
        float* mask)
        where TEpilogue : struct, ITileEpilogue
    {
        int lanes = TSimd.Count;
        for (int row = 0; row < rows;)
        {
            int rest = rows - row;
            if (rest == TallRows)
            {
                for (int half = 0; half < 4 * lanes; half += 2 * lanes)
                {
                    DenseTile<TSimd, TVector>.EightByTwo<TEpilogue>(
                        a + (row * aRow), aRow, aStep, b + half, bStep, depth, c + (row * cRow) + half, cRow,
                        bias + half,
                        mask + (row * cRow) + half);
                }

                return;
            }

            if (rest == ShortRows)
            {
                for (int half = 0; half < 4 * lanes; half += 2 * lanes)
                {
                    DenseTile<TSimd, TVector>.FourByTwo<TEpilogue>(
                        a + (row * aRow), aRow, aStep, b + half, bStep, depth, c + (row * cRow) + half, cRow,
                        bias + half,
                        mask + (row * cRow) + half);
                }

                return;
            }

            nint r = Math.Min(row, rows - WideRows);
            DenseTile<TSimd, TVector>.SixByFour<TEpilogue>(
                a + (r * aRow), aRow, aStep, b, bStep, depth, c + (r * cRow), cRow, bias, mask + (r * cRow));
            row += WideRows;
        }
    }

    /// <summary>
    /// Last layer with one output: <c>dh2 = mask(dy w3)</c>, <c>dw3 = sum over b of h2 dy</c> and
    /// <c>db2 = sum over b of dh2</c>, all in one pass over h2.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleOutputBackward(
        float* h2, nint stride, float* dy, float* w3, int batch, int hidden, float* dh2, float* dw3, float* db2)
    {
        // Two vectors at a time: a row's whole cache lines are used while they are at hand, and two more chains hide
        // the latency of the sums.
        int column = 0, lanes = TSimd.Count;
        for (; column <= hidden - (2 * lanes); column += 2 * lanes)
        {
            TVector w0 = TSimd.Load(w3 + column), weightSum0 = TSimd.Zero, biasSum0 = TSimd.Zero;
            TVector w1 = TSimd.Load(w3 + column + lanes), weightSum1 = TSimd.Zero, biasSum1 = TSimd.Zero;
            nint at = column;
            for (int row = 0; row < batch; row++)
            {
                TVector h0 = TSimd.Load(h2 + at), h1 = TSimd.Load(h2 + at + lanes), d = TSimd.Broadcast(dy[row]);
                TVector g0 = TSimd.MaskPositive(
                    TSimd.Multiply(d, w0), h0), g1 = TSimd.MaskPositive(TSimd.Multiply(d, w1), h1);
                TSimd.Store(g0, dh2 + at);
                TSimd.Store(g1, dh2 + at + lanes);
                weightSum0 = TSimd.MultiplyAdd(h0, d, weightSum0);
                weightSum1 = TSimd.MultiplyAdd(h1, d, weightSum1);
                biasSum0 = TSimd.Add(biasSum0, g0);
                biasSum1 = TSimd.Add(biasSum1, g1);
                at += stride;
            }

            TSimd.Store(weightSum0, dw3 + column);
            TSimd.Store(weightSum1, dw3 + column + lanes);
            TSimd.Store(biasSum0, db2 + column);
            TSimd.Store(biasSum1, db2 + column + lanes);
        }

        for (; column < hidden; column += lanes)
        {
            TVector w = TSimd.Load(w3 + column), weightSum = TSimd.Zero, biasSum = TSimd.Zero;
            nint at = column;
            for (int row = 0; row < batch; row++)
            {
                TVector h = TSimd.Load(h2 + at), d = TSimd.Broadcast(dy[row]);
                TVector g = TSimd.MaskPositive(TSimd.Multiply(d, w), h);
                TSimd.Store(g, dh2 + at);
                weightSum = TSimd.MultiplyAdd(h, d, weightSum);
                biasSum = TSimd.Add(biasSum, g);
                at += stride;
            }

            TSimd.Store(weightSum, dw3 + column);
            TSimd.Store(biasSum, db2 + column);
        }
    }

    /// <summary>
    /// The input gradient alone of a network with one output. Rows without output gradient are left out until the end:
    /// of twin critics, an actor's loss sees only the lower one in each row, and half of either's rows are idle.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SingleOutputInputBackward(
        float* parameters, in MlpShape shape, int batch, MlpActivations activations, in MatrixView inputGradient,
        int firstInput)
    {
        int hidden = shape.HiddenStride, row = activations.Hidden1.Stride,
            transposedStride = activations.Repacked.Stride, busy = 0;
        float* h1 = activations.Hidden1.Row(0), h2 = activations.Hidden2.Row(0), dy = activations.OutputGradient.Row(0);
        float* dh1 = activations.Hidden1Gradient.Row(0), dh2 = activations.Hidden2Gradient.Row(0),
            w3 = parameters + shape.Weight3;
        for (int b = 0; b < batch; b++)
        {
            if (dy[b] != 0)
            {
                TVector d = TSimd.Broadcast(dy[b]);
                float* from = h2 + ((nint)b * row), to = dh2 + ((nint)busy * row);
                for (int i = 0; i < hidden; i += TSimd.Count)
                {
                    TSimd.Store(
                        TSimd.MaskPositive(TSimd.Multiply(d, TSimd.Load(w3 + i)), TSimd.Load(from + i)), to + i);
                }

                busy++;
            }
        }

        if (busy > 0)
        {
            float* transposed = activations.Repacked.Row(0);
            Transpose(parameters + shape.Weight2, hidden, hidden, hidden, transposed, transposedStride);
            Multiply<PlainEpilogue>(
                dh2, row, 1, busy, transposed, transposedStride, hidden, shape.Hidden, dh1, row, null, null);
            float* to = dh1;
            for (int b = 0; b < batch; b++)
            {
                if (dy[b] != 0)
                {
                    float* from = h1 + ((nint)b * row);
                    for (int i = 0; i < hidden; i += TSimd.Count)
                    {
                        TSimd.Store(TSimd.MaskPositive(TSimd.Load(to + i), TSimd.Load(from + i)), to + i);
                    }

                    to += row;
                }
            }
        }

        for (int i = 0; inputGradient.Rows > 0 && i < inputGradient.Columns; i++)
        {
            RowDots(
                dh1, row, busy, parameters + shape.Weight1 + ((nint)(firstInput + i) * hidden), hidden, 0f,
                inputGradient.Row(0) + i,
                inputGradient.Stride);
        }

        // From the last row on, so that no row is overwritten before it has moved.
        for (int b = inputGradient.Rows - 1; b >= 0; b--)
        {
            Span<float> to = new(inputGradient.Row(b), inputGradient.Columns);
            if (dy[b] == 0)
            {
                to.Clear();
            }
            else
            {
                busy--;
                new Span<float>(inputGradient.Row(busy), inputGradient.Columns).CopyTo(to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ColumnSums(float* x, nint stride, int rows, int columns, float* sums)
    {
        for (int column = 0; column < columns; column += TSimd.Count)
        {
            TVector sum = TSimd.Zero;
            float* at = x + column;
            for (int row = 0; row < rows; row++)
            {
                sum = TSimd.Add(sum, TSimd.Load(at));
                at += stride;
            }

            TSimd.Store(sum, sums + column);
        }
    }

    /// <summary>
    /// <c>y[r yStep] = start + x_r w</c> for every row r of x; length is a multiple of 16. Four rows at a time share
    /// the loads of w and the shuffles of the sums across lanes; a last group that is short repeats its last row, so
    /// that a row has the same bits in any group.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void RowDots(float* x, nint xRow, int rows, float* w, int length, float start, float* y, nint yStep)
    {
        const int Group = 4;
        float* sums = stackalloc float[Group];
        for (int row = 0; row < rows; row += Group)
        {
            int last = Math.Min(Group, rows - row) - 1;
            float* x0 = x + (row * xRow), x1 = x0 + (Math.Min(1, last) * xRow), x2 = x0 + (Math.Min(2, last) * xRow),
                x3 = x0 + (last * xRow);
            TVector s0 = TSimd.Zero, s1 = TSimd.Zero, s2 = TSimd.Zero, s3 = TSimd.Zero;
            for (int i = 0; i < length; i += TSimd.Count)
            {
                TVector weight = TSimd.Load(w + i);
                s0 = TSimd.MultiplyAdd(TSimd.Load(x0 + i), weight, s0);
                s1 = TSimd.MultiplyAdd(TSimd.Load(x1 + i), weight, s1);
                s2 = TSimd.MultiplyAdd(TSimd.Load(x2 + i), weight, s2);
                s3 = TSimd.MultiplyAdd(TSimd.Load(x3 + i), weight, s3);
            }

            TSimd.SumEach(s0, s1, s2, s3, sums);
            for (int i = 0; i <= last; i++)
            {
                y[(row + i) * yStep] = sums[i] + start;
            }
        }
    }

    /// <summary>destination[c][r] = source[r][c]; rows and columns are multiples of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(
        float* source, nint sourceStride, int rows, int columns, float* destination, nint destinationStride)
    {
        for (int row = 0; row < rows; row += MlpShape.LaneCount)
        {
            for (int column = 0; column < columns; column += MlpShape.LaneCount)
            {
                TSimd.Transpose16(
                    source + (row * sourceStride) + column, sourceStride,
                    destination + (column * destinationStride) + row, destinationStride);
            }
        }
    }
}
