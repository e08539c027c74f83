/* SPDX-License-Identifier: MIT */
/*
 * The NT kernel as this driver sees it: the driver kit's header, what it lacks, and the functions
 * that only newer systems have (imports.txt lists everything that is used, with the reason).
 *
 * World: OS.
 */
#ifndef HOST_WINDOWS_NT_H
#define HOST_WINDOWS_NT_H

#include <stdbool.h>
#include <stdint.h>

#include <ntddk.h>

#define NT_INTERRUPT_FLAG 0x200u      /* of RFLAGS */
#define NT_POOL_TAG	  0x50707948u /* "HypP" */

/*
 * Functions that are looked up, by the names they are exported with: those that are newer than NT
 * 5.2, and those that the driver can do without. NULL: this system has not got it. nt_init() fills
 * this before anything else runs, and nobody writes it after that.
 */
#define NT_NEWER(X)                                                                                \
	X(PVOID, MmAllocateContiguousNodeMemory,                                                   \
	  (SIZE_T bytes, PHYSICAL_ADDRESS lowest, PHYSICAL_ADDRESS highest,                        \
	   PHYSICAL_ADDRESS boundary, ULONG protect, ULONG node))                                  \
	X(ULONG, KeQueryActiveProcessorCountEx, (USHORT group))                                    \
	X(ULONG, KeQueryMaximumProcessorCountEx, (USHORT group))                                   \
	X(NTSTATUS, KeGetProcessorNumberFromIndex, (ULONG index, PROCESSOR_NUMBER * number))       \
	X(ULONG, KeGetCurrentProcessorNumberEx, (PROCESSOR_NUMBER * number))                       \
	X(VOID, KeSetSystemGroupAffinityThread, (GROUP_AFFINITY * to, GROUP_AFFINITY * from))      \
	X(VOID, KeRevertToUserGroupAffinityThread, (GROUP_AFFINITY * from))                        \
	X(NTSTATUS, KeSetTargetProcessorDpcEx, (PKDPC dpc, PROCESSOR_NUMBER * number))             \
	X(PVOID, KeRegisterProcessorChangeCallback,                                                \
	  (PPROCESSOR_CALLBACK_FUNCTION function, PVOID context, ULONG flags))                     \
	X(VOID, KeDeregisterProcessorChangeCallback, (PVOID handle))                               \
	X(LARGE_INTEGER, KeQueryPerformanceCounter, (LARGE_INTEGER * frequency))                   \
	X(PKTHREAD, PsGetCurrentThread, (VOID))                                                    \
	X(PACCESS_TOKEN, PsReferencePrimaryToken, (PEPROCESS process))                             \
	X(VOID, PsDereferencePrimaryToken, (PACCESS_TOKEN token))                                  \
	X(NTSTATUS, PsLookupProcessByProcessId, (HANDLE id, PEPROCESS * process))                  \
	X(BOOLEAN, MmIsAddressValid, (PVOID address))                                              \
	X(PVOID, KeRegisterNmiCallback, (PNMI_CALLBACK function, PVOID context))                   \
	X(NTSTATUS, KeDeregisterNmiCallback, (PVOID handle))                                       \
	X(PVOID, MmMapIoSpace, (PHYSICAL_ADDRESS address, SIZE_T bytes, MEMORY_CACHING_TYPE type)) \
	X(VOID, MmUnmapIoSpace, (PVOID address, SIZE_T bytes))                                     \
	X(PMDL, IoAllocateMdl,                                                                     \
	  (PVOID address, ULONG bytes, BOOLEAN secondary, BOOLEAN quota, PIRP irp))                \
	X(VOID, IoFreeMdl, (PMDL mdl))                                                             \
	X(PVOID, MmMapLockedPagesSpecifyCache,                                                     \
	  (PMDL mdl, KPROCESSOR_MODE mode, MEMORY_CACHING_TYPE type, PVOID address,                \
	   ULONG bug_check, ULONG priority))                                                       \
	X(VOID, MmUnmapLockedPages, (PVOID address, PMDL mdl))

struct nt_newer {
#define NT_MEMBER(result, name, arguments) result(NTAPI *name) arguments;
	NT_NEWER(NT_MEMBER)
#undef NT_MEMBER
};
extern struct nt_newer nt;

/* Looks them up. IRQL: PASSIVE. */
void nt_init(void);

/* Starts a thread of the system's: to be given to nt_thread_join(). IRQL: PASSIVE. */
NTSTATUS nt_thread_start(PKSTART_ROUTINE routine, PVOID context, PKTHREAD *thread);

/* Waits until the thread has ended: none of our code runs in it any more. IRQL: PASSIVE. */
void nt_thread_join(PKTHREAD thread);

static inline bool nt_interrupts_on(void)
{
	unsigned long long flags;

	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
	return flags & NT_INTERRUPT_FLAG;
}

static inline unsigned long long nt_interrupts_off(void)
{
	unsigned long long flags;

	__asm__ volatile("pushfq\n\tpopq %0\n\tcli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void nt_interrupts_restore(unsigned long long flags)
{
	__asm__ volatile("pushq %0\n\tpopfq" : : "r"(flags) : "memory", "cc");
}

/* A spin lock for any IRQL: held for microseconds, with interrupts off. */
struct nt_spin {
	bool taken;
};

static inline unsigned long long nt_lock(struct nt_spin *spin)
{
	unsigned long long flags = nt_interrupts_off();

	while (__atomic_test_and_set(&spin->taken, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	return flags;
}

static inline void nt_unlock(struct nt_spin *spin, unsigned long long flags)
{
	__atomic_clear(&spin->taken, __ATOMIC_RELEASE);
	nt_interrupts_restore(flags);
}

/* Exported since NT 5.1, and in no header of the driver kit. The name is 15 characters at most. */
NTKERNELAPI char *NTAPI PsGetProcessImageFileName(PEPROCESS process);

/* In the kit's headers for file systems. */
NTKERNELAPI BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN token);

NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG class, PVOID buffer, ULONG bytes,
						 ULONG *needed);

#endif
