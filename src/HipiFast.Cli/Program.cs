return HipiFast.Cli.CommandLineProgram.Run(args);
