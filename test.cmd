@echo off
rem Builds everything and runs every test that can run here; ends with "N passed, N failed, N skipped".
setlocal
cd /d "%~dp0"
dotnet run .build/test.cs -- %*
exit /b %ERRORLEVEL%
