using HipiFast.Kernels.Tasks;
using HipiFast.Replay;
using HipiFast.Tasks;
using HipiFast.Testing;

namespace HipiFast.Tests.Tasks;

public sealed class TaskFamilyJsonTests
{
    private static readonly TransitionShape s_shape = new(4, 2, 2);

    [Theory]
    [InlineData(
        """{"kind": "goal", "achieved": [0, 1], "margin": 0.1, "reward": [-1, 0]}""", typeof(GoalWithinMargin), 2)]
    [InlineData("""{"kind": "goal", "achieved": [3, 1], "margin": 0}""", typeof(GoalWithinMargin), 2)]
    [InlineData(
        """ {"judge": "next", "kind": "goal", "achieved": [0, 1], "margin": 1e-3}""", typeof(GoalWithinMargin), 2)]
    [InlineData(
        """{"kind": "goal-margin", "achieved": [2], "reward": [0, 1], "judge": "state"}""", typeof(GoalAndMargin), 2)]
    [InlineData(
        """{"kind": "discrete", "achieved": [0, 1], "goals": [[0, 1], [2, 3.5]], "margin": 1}""", typeof(DiscreteGoals),
        2)]
    [InlineData("""{"kind": "linear", "features": [0], "action_cost": true}""", typeof(LinearFeatures), 2)]
    [InlineData("""{"kind": "linear", "features": [0, 3]}""", typeof(LinearFeatures), 2)]
    [InlineData("""{"kind": "dense", "achieved": [0, 1], "action_cost": 0.05}""", typeof(DenseDistance), 2)]
    [InlineData(
        """{"kind": "dense", "achieved": [0, 1], "distance_weight": 5, "offset": -3}""", typeof(DenseDistance), 2)]
    [InlineData(
        """{"kind": "intervals", "features": [3, 0], "intervals": [[0, 1], [-2, -2]], "reward": [0, 5]}""",
        typeof(DiscreteIntervals), 2)]
    public void GoodFamiliesAreRead(string json, Type definition, int taskDimension)
    {
        TaskFamily family = TaskFamilyJson.Read(json, s_shape);
        Assert.Equal(taskDimension, family.TaskDimension);
        DefinitionType visitor = default;
        Assert.Equal(definition, family.Accept<DefinitionType, Type>(ref visitor));
    }

    [Fact]
    public void ValuesArriveInTheFamily()
    {
        TaskFamily family = TaskFamilyJson.Read(
            """{"kind": "goal", "achieved": [1], "margin": 0.5, "reward": [-3, 2], "judge": "next"}""");
        float[] s = [0f, 9f], next = [0f, 1f], a = [0f], task = [1.5f];
        float[] reward = new float[1];
        byte[] terminated = new byte[1];
        family.EvaluateRows(new TransitionRows(s, a, next, rows: 1), task, reward, terminated);
        Assert.Equal([2f], reward);
        Assert.Equal([1], terminated);
    }

    [Fact]
    public void FilesAreRead()
    {
        using TemporaryDirectory directory = new();
        string path = directory["family.json"];
        File.WriteAllText(path, """{"kind": "dense", "achieved": [0, 1]}""");
        Assert.Equal(2, TaskFamilyJson.Read(path, s_shape).TaskDimension);
        File.WriteAllText(path, "[1]");
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => TaskFamilyJson.Read(path));
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);

        File.Delete(path);
        Assert.Contains("does not exist", Assert.Throws<FileNotFoundException>(
            () => TaskFamilyJson.Read(path)).Message, StringComparison.Ordinal);
        IOException folder = Assert.Throws<IOException>(() => TaskFamilyJson.Read(directory.Root));
        Assert.Contains("is a directory", folder.Message, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Throws<InvalidDataException>(() => TaskFamilyJson.Read("/dev/zero"));
        }
    }

    [Theory]
    [InlineData("""{"kind": "goal", """, "is not valid JSON (line 1")]
    [InlineData("""{"achieved": [0]}""", "lacks the key 'kind'")]
    [InlineData("""{"kind": "\ud800"}""", "holds a string that is not Unicode text")]
    [InlineData("""{"\udc00": 1}""", "holds a string that is not Unicode text")]
    [InlineData("""{"kind": 3}""", "'kind' is a number; expected a string")]
    [InlineData(
        """{"kind": "gaol", "achieved": [0]}""",
        "unknown kind 'gaol'; expected goal, goal-margin, discrete, linear, dense or intervals")]
    [InlineData("""{"kind": "goal", "kind": "goal"}""", "the key 'kind' twice")]
    [InlineData("""{"kind": "goal", "margin": 1}""", "lacks the key 'achieved'")]
    [InlineData("""{"kind": "goal", "achieved": [0, 1]}""", "lacks the key 'margin'")]
    [InlineData("""{"kind": "goal", "achieved": [0, 1], "margin": 1, "magrin": 2}""", "unknown key 'magrin'")]
    [InlineData("""{"kind": "goal", "achieved": 0, "margin": 1}""", "'achieved' is a number; expected a list")]
    [InlineData("""{"kind": "goal", "achieved": [], "margin": 1}""", "'achieved' is an array of 0; expected a list")]
    [InlineData("""{"kind": "goal", "achieved": [0, 1.5], "margin": 1}""", "'achieved[1]' is 1.5; expected an integer")]
    [InlineData(
        """{"kind": "goal", "achieved": [0, null], "margin": 1}""", "'achieved[1]' is null; expected an integer")]
    [InlineData(
        """{"kind": "goal", "achieved": [0, 4], "margin": 1}""",
        "'achieved[1]' is 4; expected an index of the state, 0 to 3")]
    [InlineData("""{"kind": "goal", "achieved": [-1, 0], "margin": 1}""", "'achieved[0]' is -1; expected an index")]
    [InlineData("""{"kind": "goal", "achieved": [0, 1], "margin": "1"}""", "'margin' is a string; expected a number")]
    [InlineData("""{"kind": "goal", "achieved": [0, 1], "margin": -1}""", "'margin' is -1; expected 0 or more")]
    [InlineData("""{"kind": "goal", "achieved": [0, 1], "margin": 1e99}""", "'margin' is 1e99, which is not finite")]
    [InlineData(
        """{"kind": "goal", "achieved": [0, 1], "margin": 1, "reward": [-1]}""",
        "'reward' is an array of 1; expected two numbers")]
    [InlineData(
        """{"kind": "goal", "achieved": [0, 1], "margin": 1, "reward": [-1, true]}""",
        "'reward[1]' is true or false; expected a number")]
    [InlineData(
        """{"kind": "goal", "achieved": [0, 1], "margin": 1, "judge": "before"}""",
        "'judge' is \"before\"; expected \"state\" or \"next\"")]
    [InlineData("""{"kind": "goal", "achieved": [0], "margin": 1}""", "has tasks of 1 entries; expected 2")]
    [InlineData("""{"kind": "goal-margin", "achieved": [0], "margin": 1}""", "unknown key 'margin'")]
    [InlineData("""{"kind": "discrete", "achieved": [0, 1], "margin": 1}""", "lacks the key 'goals'")]
    [InlineData(
        """{"kind": "discrete", "achieved": [0, 1], "goals": [], "margin": 1}""",
        "'goals' is an array of 0; expected a list of goals")]
    [InlineData(
        """{"kind": "discrete", "achieved": [0, 1], "goals": [[0, 1], [1]], "margin": 1}""",
        "'goals[1]' is an array of 1; expected an array of 2")]
    [InlineData(
        """{"kind": "discrete", "achieved": [0, 1], "goals": [[0, 1], [1, "x"]], "margin": 1}""",
        "'goals[1][1]' is a string; expected a number")]
    [InlineData(
        """{"kind": "linear", "features": [9]}""", "'features[0]' is 9; expected an index of the state, 0 to 3")]
    [InlineData(
        """{"kind": "linear", "features": [0], "action_cost": 1}""",
        "'action_cost' is a number; expected true or false")]
    [InlineData(
        """{"kind": "dense", "achieved": [0, 1], "action_cost": -1}""", "'action_cost' is -1; expected 0 or more")]
    [InlineData(
        """{"kind": "dense", "achieved": [0, 1], "distance_weight": 0}""",
        "'distance_weight' is 0; expected more than 0")]
    [InlineData("""{"kind": "dense", "achieved": [0, 1], "offset": "1"}""", "'offset' is a string; expected a number")]
    [InlineData("""{"kind": "intervals", "features": [0, 1]}""", "lacks the key 'intervals'")]
    [InlineData(
        """{"kind": "intervals", "features": [0, 1], "intervals": [[0, 1]]}""",
        "'intervals' is an array of 1; expected 2, one for each feature")]
    [InlineData(
        """{"kind": "intervals", "features": [0, 1], "intervals": [[0, 1], [1, 0]]}""",
        "'intervals[1]' is 1 to 0; expected the lower bound first")]
    [InlineData(
        """{"kind": "intervals", "features": [0, 1], "intervals": [[0, 1], [1]]}""",
        "'intervals[1]' is an array of 1; expected an array of 2, a lower")]
    public void BadFamiliesAreRefusedInOneSentence(string json, string expected)
    {
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => TaskFamilyJson.Read(json, s_shape));
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
    }

    private struct DefinitionType : ITaskFamilyVisitor<Type>
    {
        public readonly Type Visit<TFamily>(in TFamily definition, ReadOnlySpan<float> constants)
            where TFamily : unmanaged, ITaskFamily => typeof(TFamily);
    }
}
