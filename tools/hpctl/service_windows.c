// SPDX-License-Identifier: MIT
/*
 * The driver as a service. One that was installed (install.cmd) is called HyperPlatform, and hpctl
 * only starts and stops it. A file that was named, or that lies beside hpctl.exe, is loaded through
 * a service of hpctl's own, which goes when the driver is unloaded: nothing stays behind.
 */
#include "os_windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <winternl.h>

NTSTATUS NTAPI NtUnloadDriver(PUNICODE_STRING key);

#define INSTALLED   "HyperPlatform"
#define OURS	    "HyperPlatform-hpctl"
#define DRIVER_FILE "hyperplatform.sys"

/* "Windows cannot verify the digital signature for this file"; mingw-w64 has no name for it. */
#define INVALID_IMAGE_HASH 577

/* How long a driver may take to end, and the device to be let go. */
#define PATIENCE_MS 3000u
#define STEP_MS	    10u

#define UNINSTALLED                                                                                \
	"copy " DRIVER_FILE " beside hpctl.exe, run install.cmd, or name it: --module PATH"

static SC_HANDLE open_manager(DWORD rights, struct os_error *error)
{
	SC_HANDLE manager = OpenSCManagerA(NULL, NULL, rights);

	if (manager)
		return manager;
	if (GetLastError() == ERROR_ACCESS_DENIED)
		os_windows_error(error, OS_DENIED, OS_WINDOWS_ELEVATE,
				 "only administrators may load and unload a driver");
	else
		os_windows_error(error, OS_FAILED, "", "the service manager: %s",
				 os_windows_words(GetLastError()));
	return NULL;
}

static bool is_file(const char *path)
{
	DWORD attributes = GetFileAttributesA(path);

	return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* The driver's file beside this program. */
static void beside_us(char path[MAX_PATH])
{
	DWORD length = GetModuleFileNameA(NULL, path, MAX_PATH - sizeof(DRIVER_FILE));

	while (length && path[length - 1] != '\\')
		length--;
	strcpy(path + length, DRIVER_FILE);
}

/* The service of hpctl's own, for this file. */
static SC_HANDLE make_ours(SC_HANDLE manager, const char *file, struct os_error *error)
{
	SC_HANDLE service = CreateServiceA(
		manager, OURS, OURS, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER,
		SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, file, NULL, NULL, NULL, NULL, NULL);

	/* One that a killed hpctl has left may have another path. */
	if (!service && GetLastError() == ERROR_SERVICE_EXISTS) {
		service = OpenServiceA(manager, OURS, SERVICE_ALL_ACCESS);
		if (service)
			ChangeServiceConfigA(service, SERVICE_NO_CHANGE, SERVICE_NO_CHANGE,
					     SERVICE_NO_CHANGE, file, NULL, NULL, NULL, NULL, NULL,
					     NULL);
	}
	if (!service)
		os_windows_error(error, OS_FAILED,
				 GetLastError() == ERROR_SERVICE_MARKED_FOR_DELETE
					 ? "close services.msc and what else has it open"
					 : "",
				 "no service can be made for %s: %s", file,
				 os_windows_words(GetLastError()));
	return service;
}

static SC_HANDLE find_service(SC_HANDLE manager, const char *path, struct os_error *error)
{
	char file[MAX_PATH];
	SC_HANDLE service;

	if (!path) {
		service = OpenServiceA(manager, INSTALLED, SERVICE_START | SERVICE_QUERY_STATUS);
		if (service)
			return service;
		beside_us(file);
		if (!is_file(file)) {
			os_windows_error(error, OS_ABSENT, UNINSTALLED,
					 "the driver is not installed, and there is no %s", file);
			return NULL;
		}
		return make_ours(manager, file, error);
	}
	if (!GetFullPathNameA(path, sizeof(file), file, NULL) || !is_file(file)) {
		os_windows_error(error, OS_FAILED, "give the path of " DRIVER_FILE,
				 "%s: no such file", path);
		return NULL;
	}
	return make_ours(manager, file, error);
}

static void set_start_error(struct os_error *error, DWORD number)
{
	switch (number) {
	case INVALID_IMAGE_HASH:
		os_windows_error(error, OS_DENIED,
				 "on a test machine: turn Secure Boot off in the firmware setup, "
				 "then bcdedit /set testsigning on, then restart",
				 "Windows takes only drivers with a signature that it trusts: test "
				 "signing is off");
		break;
	case ERROR_DRIVER_BLOCKED:
		os_windows_error(error, OS_DENIED,
				 "see the policies of App Control and Memory Integrity",
				 "a policy of this Windows blocks the driver");
		break;
	case ERROR_ACCESS_DENIED:
		os_windows_error(error, OS_DENIED, OS_WINDOWS_ELEVATE,
				 "this user may not start the driver");
		break;
	case ERROR_FILE_NOT_FOUND:
	case ERROR_PATH_NOT_FOUND:
		os_windows_error(error, OS_ABSENT, UNINSTALLED,
				 "the driver's file is not where its service says");
		break;
	case ERROR_NOT_ENOUGH_MEMORY:
	case ERROR_NO_SYSTEM_RESOURCES:
		os_windows_error(error, OS_FAILED, "free some memory, then try again",
				 "the system has no memory for the driver");
		break;
	case ERROR_PROC_NOT_FOUND:
	case ERROR_BAD_EXE_FORMAT:
		os_windows_error(error, OS_FAILED, "use Windows 7 to 11 for x64",
				 "the driver is not for this Windows");
		break;
	default:
		os_windows_error(error, OS_FAILED,
				 "%SystemRoot%\\HyperPlatform.log has the driver's word",
				 "the driver does not load: %s", os_windows_words(number));
		break;
	}
}

/* While Windows starts its services, nobody else's are started. */
static DWORD start(SC_HANDLE service)
{
	unsigned waited;
	DWORD number;

	for (waited = 0; !StartServiceA(service, 0, NULL); waited += STEP_MS) {
		number = GetLastError();
		if (number == ERROR_SERVICE_ALREADY_RUNNING)
			break;
		if (number != ERROR_SERVICE_DATABASE_LOCKED || waited >= PATIENCE_MS)
			return number;
		Sleep(STEP_MS);
	}
	return ERROR_SUCCESS;
}

struct os_device *os_driver_load(const char *path, struct os_error *error)
{
	SC_HANDLE manager = open_manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE, error);
	struct os_device *device = NULL;
	struct os_error ignored;
	SC_HANDLE service;
	DWORD number;

	if (!manager)
		return NULL;
	service = find_service(manager, path, error);
	CloseServiceHandle(manager);
	if (!service)
		return NULL;
	number = start(service);
	CloseServiceHandle(service);
	if (number == ERROR_SUCCESS)
		device = os_open(error);
	else
		set_start_error(error, number);
	if (!device)
		os_driver_unload(&ignored);
	return device;
}

static DWORD state_of(SC_HANDLE service)
{
	SERVICE_STATUS status;

	return QueryServiceStatus(service, &status) ? status.dwCurrentState : SERVICE_STOPPED;
}

static bool may_load_drivers(void)
{
	TOKEN_PRIVILEGES privileges = {
		.PrivilegeCount = 1,
		.Privileges = { { .Attributes = SE_PRIVILEGE_ENABLED } },
	};
	HANDLE token;
	bool may;

	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token))
		return false;
	may = LookupPrivilegeValueA(NULL, SE_LOAD_DRIVER_NAME, &privileges.Privileges[0].Luid) &&
	      AdjustTokenPrivileges(token, FALSE, &privileges, 0, NULL, NULL) &&
	      GetLastError() == ERROR_SUCCESS;
	CloseHandle(token);
	return may;
}

/*
 * Unloads by the kernel's own call. The service manager takes a driver that once refused to be
 * stopped, as ours does while the hypervisor runs, for one that can never be.
 */
static bool unload_driver(const char *name)
{
	char key[96];
	ANSI_STRING narrow;
	UNICODE_STRING wide;
	bool done;

	snprintf(key, sizeof(key), "\\Registry\\Machine\\System\\CurrentControlSet\\Services\\%s",
		 name);
	RtlInitAnsiString(&narrow, key);
	if (!may_load_drivers() || RtlAnsiStringToUnicodeString(&wide, &narrow, TRUE) < 0)
		return false;
	done = NtUnloadDriver(&wide) >= 0;
	RtlFreeUnicodeString(&wide);
	return done;
}

/*
 * Stops a driver: 0, or what Windows says; ERROR_SERVICE_NOT_ACTIVE: it was not loaded. A driver
 * that is in use stops when it is let go.
 */
static DWORD stop(SC_HANDLE service, const char *name)
{
	SERVICE_STATUS status;
	unsigned waited;

	if (state_of(service) == SERVICE_STOPPED)
		return ERROR_SERVICE_NOT_ACTIVE;
	if (!ControlService(service, SERVICE_CONTROL_STOP, &status)) {
		DWORD number = GetLastError();

		if (number == ERROR_INVALID_SERVICE_CONTROL && !unload_driver(name))
			return number;
		if (number != ERROR_INVALID_SERVICE_CONTROL &&
		    number != ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
			return number;
	}
	for (waited = 0; state_of(service) != SERVICE_STOPPED; waited += STEP_MS) {
		if (waited >= PATIENCE_MS)
			return ERROR_BUSY;
		Sleep(STEP_MS);
	}
	return ERROR_SUCCESS;
}

/* Stops the service `name`, and removes it if it is ours. As stop(). */
static DWORD stop_by_name(SC_HANDLE manager, const char *name)
{
	bool ours = strcmp(name, OURS) == 0;
	SC_HANDLE service = OpenServiceA(manager, name,
					 SERVICE_STOP | SERVICE_QUERY_STATUS | (ours ? DELETE : 0));
	DWORD number;

	if (!service)
		return GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST ? ERROR_SERVICE_NOT_ACTIVE
								      : GetLastError();
	number = stop(service, name);
	if (ours && (number == ERROR_SUCCESS || number == ERROR_SERVICE_NOT_ACTIVE))
		DeleteService(service);
	CloseServiceHandle(service);
	return number;
}

bool os_driver_unload(struct os_error *error)
{
	SC_HANDLE manager = open_manager(SC_MANAGER_CONNECT, error);
	DWORD number;

	if (!manager)
		return false;
	number = stop_by_name(manager, OURS);
	if (number == ERROR_SERVICE_NOT_ACTIVE)
		number = stop_by_name(manager, INSTALLED);
	CloseServiceHandle(manager);

	switch (number) {
	case ERROR_SUCCESS:
		return true;
	case ERROR_SERVICE_NOT_ACTIVE:
		os_windows_error(error, OS_ABSENT, "", "the driver is not loaded");
		break;
	case ERROR_ACCESS_DENIED:
		os_windows_error(error, OS_DENIED, OS_WINDOWS_ELEVATE,
				 "this user may not unload the driver");
		break;
	case ERROR_BUSY:
		os_windows_error(error, OS_BUSY,
				 "end the programs that have " HP_DEVICE_WINDOWS
				 " open, then hpctl unload",
				 "the driver is in use");
		break;
	case ERROR_INVALID_SERVICE_CONTROL:
		os_windows_error(error, OS_BUSY, "hpctl unload",
				 "HyperPlatform is running: the driver can't be unloaded");
		break;
	default:
		os_windows_error(error, OS_FAILED, "", "the driver does not unload: %s",
				 os_windows_words(number));
		break;
	}
	return false;
}
