@echo off
rem Takes away what install.cmd has brought: stops HyperPlatform, and removes its service and file.
rem The log, %SystemRoot%\HyperPlatform.log, stays.
setlocal
set HERE=%~dp0
set DRIVER=%SystemRoot%\System32\drivers\hyperplatform.sys

fltmc >nul 2>&1
if errorlevel 1 (
	echo uninstall.cmd: not permitted.
	echo remedy: run it from a command prompt that was started as administrator.
	exit /b 4
)
sc query HyperPlatform >nul 2>&1
if errorlevel 1 (
	echo uninstall.cmd: HyperPlatform is not installed.
	exit /b 1
)

sc query HyperPlatform | find "STOPPED" >nul
if errorlevel 1 "%HERE%hpctl.exe" unload
sc query HyperPlatform | find "STOPPED" >nul
if errorlevel 1 (
	echo uninstall.cmd: the driver is still loaded.
	echo remedy: hpctl unload, and see what it says.
	exit /b 3
)

sc delete HyperPlatform >nul
if errorlevel 1 (
	echo uninstall.cmd: the service can't be removed.
	echo remedy: close services.msc and other windows that show services, then try again.
	exit /b 3
)
del "%DRIVER%"
echo HyperPlatform is uninstalled.
exit /b 0
