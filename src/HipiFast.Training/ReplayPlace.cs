namespace HipiFast.Training;

/// <summary>Where batches of past transitions are drawn and relabeled.</summary>
public enum ReplayPlace
{
    /// <summary>In the host's memory; a batch goes to a device with its relabel call.</summary>
    Host,

    /// <summary>In the memory of the backend's device, where the transitions then lie once more.</summary>
    Device,
}
