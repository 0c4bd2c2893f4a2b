@echo off
rem Builds the program on first use, then passes its arguments on. After changing sources, delete src\HipiFast.Cli\bin or set HIPIFAST_REBUILD=1.
setlocal
set "PROGRAM=%~dp0src\HipiFast.Cli\bin\Release\net10.0\HipiFast.Cli.dll"
if not exist "%PROGRAM%" set HIPIFAST_REBUILD=1
if defined HIPIFAST_REBUILD (
  echo hipifast: building... 1>&2
  pushd "%~dp0"
  dotnet build src\HipiFast.Cli -c Release -v quiet --nologo 1>&2 || (popd & exit /b 1)
  popd
)
dotnet "%PROGRAM%" %*
exit /b %ERRORLEVEL%
