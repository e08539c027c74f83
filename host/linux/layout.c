// SPDX-License-Identifier: MIT
/*
 * Where Linux keeps the current process. Offsets are those of the headers that we are built with,
 * which belong to the kernel that we run in: it takes no module of another. A task is both thread
 * and process: its comm is that of the thread.
 *
 * World: OS.
 */
#include <linux/preempt.h>
#include <linux/sched.h>

#include <asm/msr-index.h>

#include "../host.h"
#include "../log.h"
#include "compat.h"

static_assert(sizeof_field(struct task_struct, comm) <= LAYOUT_NAME_MOST);

/* The per-CPU variable lies at the same distance from GS on every processor. */
static bool find_current(uint64_t *distance)
{
	struct task_struct **pointer;
	uint64_t gs;
	bool found;

	preempt_disable();
	pointer = compat_current_pointer();
	found = host_rdmsr(MSR_GS_BASE, &gs) && *pointer == current;
	*distance = (uint64_t)(uintptr_t)pointer - gs;
	preempt_enable();
	return found;
}

void host_layout(struct layout *layout)
{
	if (!find_current(&layout->thread)) {
		log_line(HP_WARN, "the current task was not found: processes have no name below");
		return;
	}
	layout->process = LAYOUT_ITSELF;
	layout->id = offsetof(struct task_struct, tgid);
	layout->id_bytes = sizeof_field(struct task_struct, tgid);
	layout->name = offsetof(struct task_struct, comm);
	layout->name_bytes = sizeof_field(struct task_struct, comm);
	layout->credentials = offsetof(struct task_struct, cred);
	layout->known = LAYOUT_CURRENT | LAYOUT_ID | LAYOUT_NAME | LAYOUT_CREDENTIALS;
}
