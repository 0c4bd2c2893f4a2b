using HipiFast.Kernels.Memory;

namespace HipiFast.Kernels.Tests.Memory;

public sealed class UseGuardTests
{
    private UseGuard _use;

    [Fact]
    public void OneEntersAtATime()
    {
        using (_use.Enter(this))
        {
            Refused(() => _use.Enter(this).Dispose());
            Refused(() => _use.Share(this).Dispose());
            Refused(() => _use.Close(this));
        }

        _use.Enter(this).Dispose();
        Assert.False(_use.IsDisposed);
    }

    [Fact]
    public void ManyShareAndNobodyEntersMeanwhile()
    {
        using (_use.Share(this))
        {
            using (_use.Share(this))
            {
                Refused(() => _use.Enter(this).Dispose());
            }

            Refused(() => _use.Close(this));
        }

        _use.Enter(this).Dispose();
    }

    [Fact]
    public void NothingIsUsedAfterClosing()
    {
        Assert.True(_use.Close(this));
        Assert.False(_use.Close(this));
        Assert.True(_use.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => _use.Enter(this).Dispose());
        Assert.Throws<ObjectDisposedException>(() => _use.Share(this).Dispose());
        Assert.Equal(
            nameof(UseGuardTests), Assert.Throws<ObjectDisposedException>(() => _use.ThrowIfDisposed(this)).ObjectName);
        _use.Reopen();
        _use.Enter(this).Dispose();
    }

    [Fact]
    public void NoScopeEndsNothing()
    {
        default(UseGuard.Scope).Dispose();
        using (_use.Enter(this))
        {
            default(UseGuard.Scope).Dispose();
            Refused(() => _use.Enter(this).Dispose());
        }
    }

    private static void Refused(Action use) => Assert.Equal(
        "This UseGuardTests is in the middle of another call; an instance serves one thread at a time.",
        Assert.Throws<InvalidOperationException>(use).Message);
}
