// Threads and random states of libtorch belong to the process, and the live tensors of a thread are counted.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
