@echo off
rem Builds everything and runs every test that can run here; ends with "N passed, N failed, N skipped".
setlocal
rem Programs are those of PATH, never what lies in the current directory.
set NoDefaultCurrentDirectoryInExePath=1
cd /d "%~dp0"
dotnet run .build/test.cs -- %*
exit /b %ERRORLEVEL%
