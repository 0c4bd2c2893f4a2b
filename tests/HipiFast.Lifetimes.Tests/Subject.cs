namespace HipiFast.Lifetimes.Tests;

/// <summary>
/// What is known of a public disposable type: how to make one, and what each of its members does then.
/// </summary>
public abstract class Subject
{
    /// <summary>The type whose members are looked at; an open generic where it is generic.</summary>
    public abstract Type Type { get; }

    /// <summary>Members that stay usable after disposal, and why.</summary>
    public Dictionary<string, string> Allowed { get; } = [];

    /// <summary>Members that throw after disposal.</summary>
    public abstract IEnumerable<string> Throwing { get; }

    /// <summary>Those among them that refuse company while another call is under way.</summary>
    public HashSet<string> Exclusive { get; } = [];

    /// <summary>Why none can be made here; null where one can.</summary>
    public string? WhyNot { get; init; }

    /// <summary>Makes an object with what it needs.</summary>
    /// <param name="needs">Receives what must be disposed of after it.</param>
    /// <returns>The object.</returns>
    public abstract IDisposable Make(Needs needs);

    /// <summary>Uses one of <see cref="Throwing"/>.</summary>
    /// <param name="target">What <see cref="Make"/> made.</param>
    /// <param name="member">Its key.</param>
    public abstract void Use(IDisposable target, string member);

    public override string ToString() => Type.Name.Split('`')[0];
}

/// <summary>The same for one type.</summary>
/// <typeparam name="T">The type; closed where it is generic.</typeparam>
/// <param name="make">Makes an object.</param>
public sealed class Subject<T>(Func<Needs, T> make) : Subject
    where T : IDisposable
{
    private readonly Dictionary<string, Action<T>> _uses = [];

    public override Type Type => typeof(T).IsGenericType ? typeof(T).GetGenericTypeDefinition() : typeof(T);

    public override IEnumerable<string> Throwing => _uses.Keys;

    /// <summary>A member that throws after disposal and, meanwhile, serves one call at a time.</summary>
    public Subject<T> Enters(string member, Action<T> use)
    {
        Exclusive.Add(member);
        return Reads(member, use);
    }

    /// <summary>A member that throws after disposal and may be used beside others.</summary>
    public Subject<T> Reads(string member, Action<T> use)
    {
        _uses.Add(member, use);
        return this;
    }

    /// <summary>Members that stay usable.</summary>
    public Subject<T> Keeps(string reason, params ReadOnlySpan<string> members)
    {
        foreach (string member in members)
        {
            Allowed.Add(member, reason);
        }

        return this;
    }

    public override IDisposable Make(Needs needs) => make(needs);

    public override void Use(IDisposable target, string member) => _uses[member]((T)target);
}

/// <summary>What an object needs to live, disposed of in reverse.</summary>
public sealed class Needs : IDisposable
{
    private readonly Stack<IDisposable> _parts = [];

    public T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Push(part);
        return part;
    }

    public void Dispose()
    {
        while (_parts.TryPop(out IDisposable? part))
        {
            part.Dispose();
        }
    }
}
