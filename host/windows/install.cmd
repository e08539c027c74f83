@echo off
rem Installs HyperPlatform on a test machine: the driver as a service that is started on demand, and
rem hpctl.exe beside it. Run it from the unpacked zip, as administrator. It changes no setting of
rem Windows: what it needs and does not find it tells.
setlocal
set HERE=%~dp0
set DRIVER=%SystemRoot%\System32\drivers\hyperplatform.sys

fltmc >nul 2>&1
if errorlevel 1 (
	echo install.cmd: not permitted.
	echo remedy: run it from a command prompt that was started as administrator.
	exit /b 4
)
if not exist "%HERE%hyperplatform.sys" (
	echo install.cmd: there is no hyperplatform.sys beside it.
	echo remedy: unpack the whole zip, and run install.cmd from there.
	exit /b 3
)
if /i not "%PROCESSOR_ARCHITECTURE%"=="AMD64" if /i not "%PROCESSOR_ARCHITEW6432%"=="AMD64" (
	echo install.cmd: this is no Windows for x64 processors.
	exit /b 1
)

rem With what this Windows was started, in no language.
reg query HKLM\SYSTEM\CurrentControlSet\Control /v SystemStartOptions | find "TESTSIGNING" >nul
if errorlevel 1 (
	echo install.cmd: test signing is off: Windows would not load a driver with a test signature.
	echo remedy: on a machine that is for tests, turn Secure Boot off in the firmware setup, then
	echo         bcdedit /set testsigning on
	echo         and restart. Everybody's test-signed drivers can be loaded then, until
	echo         bcdedit /set testsigning off
	exit /b 1
)

sc query HyperPlatform >nul 2>&1
if not errorlevel 1 (
	echo install.cmd: HyperPlatform is installed already.
	echo remedy: uninstall.cmd first.
	exit /b 3
)

copy /y "%HERE%hyperplatform.sys" "%DRIVER%" >nul
if errorlevel 1 (
	echo install.cmd: %DRIVER% can't be written.
	exit /b 3
)
sc create HyperPlatform type= kernel start= demand error= normal binPath= \SystemRoot\System32\drivers\hyperplatform.sys DisplayName= HyperPlatform >nul
if errorlevel 1 (
	echo install.cmd: the service can't be made.
	echo remedy: close services.msc and other windows that show services, then try again.
	del "%DRIVER%"
	exit /b 3
)
echo HyperPlatform is installed; it does not run yet.
echo "%HERE%hpctl.exe" check    tells whether this machine is able
echo "%HERE%hpctl.exe" load     starts it
exit /b 0
