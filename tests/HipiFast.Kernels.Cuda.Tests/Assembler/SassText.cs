using System.Text.RegularExpressions;

namespace HipiFast.Kernels.Cuda.Tests.Assembler;

/// <summary>
/// A kernel's machine code as nvdisasm prints it: instructions, the flow between them, and the loops in it.
/// </summary>
internal sealed partial class SassText
{
    private readonly List<string> _instructions = [];
    private readonly Dictionary<string, int> _labels = [];

    private SassText()
    {
    }

    /// <summary>
    /// Instructions of the kernel and of the functions that it calls, the filling at its end left out.
    /// </summary>
    public int Count => _instructions.Count;

    /// <summary>Reads what <c>nvdisasm -c</c> prints.</summary>
    /// <param name="text">One kernel.</param>
    /// <returns>Its instructions.</returns>
    public static SassText Parse(string text)
    {
        SassText sass = new();
        foreach (string line in text.Split('\n'))
        {
            if (LabelPattern().Match(line) is { Success: true } label)
            {
                sass._labels[label.Groups[1].Value] = sass._instructions.Count;
            }
            else if (InstructionPattern().Match(line) is { Success: true } instruction
                && instruction.Groups[1].Value != "NOP")
            {
                sass._instructions.Add(instruction.Groups[1].Value);
            }
        }

        return sass;
    }

    /// <summary>
    /// The natural loops: those of the edges that lead back to an instruction through which every way to them comes.
    /// </summary>
    /// <returns>The loops in the order of their first instructions.</returns>
    public List<SassLoop> Loops()
    {
        List<int>[] next = [.. Enumerable.Range(0, Count).Select(Successors)];
        int[] order = Order(next);
        List<int>[] previous = Reverse(next, order);
        int[] dominator = Dominators(order, previous);
        SortedDictionary<int, HashSet<int>> bodies = [];
        foreach (int from in order)
        {
            foreach (int head in next[from].Where(to => Dominates(dominator, to, from)))
            {
                if (!bodies.TryGetValue(head, out HashSet<int>? body))
                {
                    bodies.Add(head, body = [head]);
                }

                Collect(body, from, previous);
            }
        }

        return
        [
            .. bodies.Select(loop =>
            {
                HashSet<int> inner = [.. bodies.Where(
                    other => other.Key != loop.Key && loop.Value.Contains(other.Key)).SelectMany(other => other.Value)];
                string[] own = [.. loop.Value.Except(inner).Select(i => _instructions[i])];
                int depth = bodies.Count(other => other.Value.Contains(loop.Key));
                return new SassLoop(depth, own.Length, Of(own, "FFMA"), Of(own, "HMMA"));
            }),
        ];
    }

    private static int Of(string[] instructions, string operation) =>
        instructions.Count(instruction => Operation(instruction).StartsWith(operation, StringComparison.Ordinal));

    // Without the predicate.
    private static string Operation(string instruction) =>
        instruction[0] == '@'
            ? instruction[(instruction.IndexOf(' ', StringComparison.Ordinal) + 1)..].TrimStart()
            : instruction;

    private static int[] Order(List<int>[] next)
    {
        // Reverse postorder of what the first instruction leads to.
        List<int> finished = [];
        bool[] seen = new bool[next.Length];
        Stack<(int At, int Edge)> path = new();
        path.Push((0, 0));
        seen[0] = true;
        while (path.TryPop(out (int At, int Edge) top))
        {
            if (top.Edge == next[top.At].Count)
            {
                finished.Add(top.At);
                continue;
            }

            path.Push((top.At, top.Edge + 1));
            int to = next[top.At][top.Edge];
            if (!seen[to])
            {
                seen[to] = true;
                path.Push((to, 0));
            }
        }

        finished.Reverse();
        return [.. finished];
    }

    private static List<int>[] Reverse(List<int>[] next, int[] order)
    {
        List<int>[] previous = [.. next.Select(_ => new List<int>())];
        foreach (int from in order)
        {
            next[from].ForEach(to => previous[to].Add(from));
        }

        return previous;
    }

    // Cooper, Harvey and Kennedy: the immediate dominator of each, by intersection until nothing changes.
    private static int[] Dominators(int[] order, List<int>[] previous)
    {
        int[] number = new int[previous.Length], dominator = new int[previous.Length];
        Array.Fill(dominator, -1);
        for (int i = 0; i < order.Length; i++)
        {
            number[order[i]] = i;
        }

        dominator[order[0]] = order[0];
        bool changes = true;
        while (changes)
        {
            changes = false;
            foreach (int at in order.Skip(1))
            {
                int found = -1;
                foreach (int from in previous[at].Where(from => dominator[from] >= 0))
                {
                    found = found < 0 ? from : Meet(found, from);
                }

                changes |= dominator[at] != found;
                dominator[at] = found;
            }
        }

        return dominator;

        int Meet(int a, int b)
        {
            while (a != b)
            {
                (a, b) = number[a] > number[b] ? (dominator[a], b) : (a, dominator[b]);
            }

            return a;
        }
    }

    private static bool Dominates(int[] dominator, int above, int below)
    {
        while (below != above && dominator[below] != below)
        {
            below = dominator[below];
        }

        return below == above;
    }

    private static void Collect(HashSet<int> body, int last, List<int>[] previous)
    {
        Stack<int> open = new([last]);
        while (open.TryPop(out int at))
        {
            if (body.Add(at))
            {
                previous[at].ForEach(open.Push);
            }
        }
    }

    // A called function returns behind the call; what it does inside is no part of the caller's flow. But the assembler
    // also writes CALL for a branch to a label.
    private List<int> Successors(int at)
    {
        string instruction = _instructions[at], operation = Operation(instruction);
        List<int> to = [];
        if (BranchPattern().IsMatch(operation))
        {
            to.AddRange(TargetPattern().Matches(instruction).Select(match => _labels[match.Value]));
        }

        // A branch without a predicate, of its own or among its operands, is always taken.
        bool isCertain = instruction[0] != '@' && !OperandPattern().IsMatch(operation)
            && (EndPattern().IsMatch(operation) || to.Count > 0);
        if (!isCertain && at + 1 < Count)
        {
            to.Add(at + 1);
        }

        return [.. to.Where(target => target < Count).Distinct()];
    }

    [GeneratedRegex(@"^(\.L_\w+):")]
    private static partial Regex LabelPattern();

    [GeneratedRegex(@"^\s+/\*[0-9a-f]{4,}\*/\s+(\S.*?)\s*;")]
    private static partial Regex InstructionPattern();

    [GeneratedRegex(@"\.L_\w+")]
    private static partial Regex TargetPattern();

    [GeneratedRegex(@"^(?:BR[AX]|CALL)\b")]
    private static partial Regex BranchPattern();

    [GeneratedRegex(@"^(?:BRA|BRX|EXIT|RET|KILL|JMP)\b")]
    private static partial Regex EndPattern();

    [GeneratedRegex(@"^BRA(?:\.\w+)* !?U?P\d")]
    private static partial Regex OperandPattern();
}

/// <summary>A loop in machine code.</summary>
/// <param name="Depth">1 for a loop that is in no other.</param>
/// <param name="Slots">Its instructions, without those of loops inside.</param>
/// <param name="MultiplyAdds">Those of them that are FFMA.</param>
/// <param name="Products">Those that are HMMA.</param>
internal readonly record struct SassLoop(int Depth, int Slots, int MultiplyAdds, int Products);
