@echo off
rem Builds the program on first use and whenever a source file is newer than it, then passes its arguments on. Plug-ins are built by the program itself,
rem when they are first asked for; those built from older sources go here, and are built again in the same way.
setlocal
rem Programs are those of PATH, never what lies in the current directory.
set NoDefaultCurrentDirectoryInExePath=1
set "ROOT=%~dp0"
set "PROGRAM=%ROOT%src\HipiFast.Cli\bin\Release\net10.0\HipiFast.Cli.dll"
set DOTNET_CLI_TELEMETRY_OPTOUT=1
set DOTNET_NOLOGO=1
if not exist "%PROGRAM%" (
  echo hipifast: building the program, once; this takes about a minute on two cores 1>&2
  goto build
)
powershell -NoProfile -ExecutionPolicy Bypass -Command "$built = (Get-Item $env:PROGRAM).LastWriteTimeUtc; $new = Get-ChildItem ($env:ROOT + 'src'), ($env:ROOT + 'kernels'), ($env:ROOT + 'native'), ($env:ROOT + 'Directory.*') -Recurse -File | Where-Object { $_.LastWriteTimeUtc -gt $built -and $_.FullName -notmatch '\\(bin|obj)\\' } | Select-Object -First 1; exit [int][bool]$new"
if not errorlevel 1 goto run
echo hipifast: building what has changed 1>&2
:build
pushd "%ROOT%"
dotnet build src\HipiFast.Cli -c Release -v minimal --nologo -tl:off -p:UseSharedCompilation=true -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false 1>&2 || (popd & exit /b 1)
popd
del /q /s "%ROOT%artifacts\plugins\Release\HipiFast.*.dll" >nul 2>&1
copy /b "%PROGRAM%"+,, "%PROGRAM%" >nul
:run
dotnet "%PROGRAM%" %*
exit /b %ERRORLEVEL%
