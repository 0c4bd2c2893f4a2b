return HipiFast.Cli.ProgramStart.Run(args);
