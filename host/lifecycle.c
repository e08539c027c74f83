// SPDX-License-Identifier: MIT
/*
 * All or none: prepare everything, then commit processor by processor, and take back what was done
 * when one fails.
 *
 * What always holds: `running` is true exactly while `machine` is a prepared one, and then alone a
 * processor may be a guest. Both change under host_lock() only; `changing` turns a second start or
 * stop away instead of letting it wait.
 *
 * World: OS.
 */
#include <string.h>

#include "drain.h"
#include "failure.h"
#include "lifecycle.h"
#include "log.h"
#include "processor.h"
#include "report.h"
#include "subscribe.h"
#include "watch.h"

static struct machine machine;
static bool running;
static bool asleep; /* the system sleeps, or is about to: nobody enters */
static bool closed; /* the system or the module ends: no start any more */
static bool changing;
static bool waiting;		  /* it was said that this run waits for processors to step aside */
static struct hp_start start_how; /* of the start under way */

struct machine *lifecycle_machine(void)
{
	return running ? &machine : NULL;
}

static enum hp_error fail(struct hp_failure *failure, enum hp_error error, uint32_t processor)
{
	failure->error = error;
	failure->processor = processor;
	return error;
}

static enum hp_error check_all(struct hp_failure *failure)
{
	struct processor *processor;
	enum hp_error error;
	uint32_t i;

	for (i = 0; i < machine.processors; i++) {
		if (host_processor(i) != HP_PROCESSOR_NATIVE)
			continue;
		processor = &machine.processor[i];
		error = processor_examine(processor);
		if (error) {
			failure->requirement = failure_requirement(&processor->check);
			return fail(failure, error, i);
		}
	}
	return HP_ERROR_OK;
}

static enum hp_error enter_all(struct hp_failure *failure)
{
	struct processor *processor;
	enum hp_error error;
	uint32_t i;

	for (i = 0; i < machine.processors; i++) {
		processor = &machine.processor[i];
		if (!processor->checked)
			continue;
		error = processor_enter(processor);
		if (error) {
			memcpy(failure->detail, processor->gate->detail, sizeof(failure->detail));
			return fail(failure, error, i);
		}
	}
	return HP_ERROR_OK;
}

/* Goes on when one does not leave: the fewer guests, the better. */
static enum hp_error leave_all(struct hp_failure *failure)
{
	enum hp_error error, result = HP_ERROR_OK;
	uint32_t i;

	for (i = 0; i < machine.processors; i++) {
		error = processor_leave(&machine.processor[i]);
		if (error)
			result = fail(failure, error, i);
	}
	return result;
}

/* A processor that escaped did so by an entry in an address space of the OS's. */
static bool uproot(const struct processor *processor)
{
	struct gate_cpu *gate = processor->gate;

	if (!gate || !gate->planted.value)
		return true;
	if (!host_exchange(gate->planted, gate->planted_value, 0))
		return false;
	processor_flush(processor);
	gate->planted = phys(0);
	return true;
}

/* What such an entry leads to stays as long as that is there. */
static enum hp_error uproot_all(struct hp_failure *failure)
{
	uint32_t i;

	for (i = 0; i < machine.processors; i++) {
		processor_await(&machine.processor[i]);
		if (!uproot(&machine.processor[i]))
			return fail(failure, HP_ERROR_NO_MEMORY, i);
	}
	return HP_ERROR_OK;
}

/* From here on, until it ends, guests may run through the gate. */
static void begin_run(void)
{
	running = true;
	waiting = false;
	host_keep(true);
	watch_begin(&machine);
}

/* Every processor has left. */
static void end_run(void)
{
	watch_end();
	drain_records(&machine);
	report_look(&machine);
	report_keep(&machine);
	running = false;
	machine_end(&machine);
	host_keep(false);
}

static enum hp_error prepare(struct hp_failure *failure)
{
	enum hp_error error = machine_prepare(&machine);

	if (error)
		return fail(failure, error, HP_NO_PROCESSOR);
	error = subscribe_begin(&machine, start_how.exits, failure);
	return error ? fail(failure, error, failure->processor) : HP_ERROR_OK;
}

static enum hp_error start(struct hp_failure *failure)
{
	struct hp_failure left;
	enum hp_error error;

	if (running)
		return fail(failure, HP_ERROR_ALREADY, HP_NO_PROCESSOR);
	if (closed || asleep)
		return fail(failure, HP_ERROR_BUSY, HP_NO_PROCESSOR);
	error = machine_begin(&machine);
	machine.history = start_how.history;
	if (error)
		fail(failure, error, HP_NO_PROCESSOR);
	else
		error = check_all(failure);
	if (!error)
		error = prepare(failure);
	if (error) {
		machine_end(&machine);
		return error;
	}

	begin_run();
	error = enter_all(failure);
	if (!error)
		return HP_ERROR_OK;
	if (leave_all(&left) != HP_ERROR_OK || uproot_all(&left) != HP_ERROR_OK) {
		failure_log("roll-back incomplete", &left);
		return error;
	}
	end_run();
	return error;
}

static enum hp_error stop(struct hp_failure *failure)
{
	enum hp_error error;

	if (!running)
		return fail(failure, HP_ERROR_NOT_RUNNING, HP_NO_PROCESSOR);
	error = leave_all(failure);
	if (!error)
		error = uproot_all(failure);
	if (error)
		return error;
	end_run();
	return HP_ERROR_OK;
}

/* Only a run in which root has failed: since somebody saw that, another one may have begun. */
static enum hp_error stop_failed(struct hp_failure *failure)
{
	return running && report_is_there(&machine) ? stop(failure) : HP_ERROR_NOT_RUNNING;
}

static enum hp_error change(enum hp_error (*what)(struct hp_failure *), const struct hp_start *how,
			    struct hp_failure *failure)
{
	enum hp_error error;

	memset(failure, 0, sizeof(*failure));
	if (__atomic_exchange_n(&changing, true, __ATOMIC_ACQUIRE))
		return fail(failure, HP_ERROR_BUSY, HP_NO_PROCESSOR);
	host_lock();
	if (how)
		start_how = *how;
	error = what(failure);
	host_unlock();
	__atomic_store_n(&changing, false, __ATOMIC_RELEASE);
	return error;
}

static uint32_t count_guests(void)
{
	uint32_t i, count = 0;

	for (i = 0; i < machine.processors; i++)
		count += processor_is_guest(&machine.processor[i]);
	return count;
}

static bool is_history(uint32_t depth)
{
	return depth >= HP_HISTORY_LEAST && depth <= HP_HISTORY_MOST && !(depth & (depth - 1));
}

enum hp_error lifecycle_start(const struct hp_start *how, struct hp_failure *failure)
{
	enum hp_error error;

	memset(failure, 0, sizeof(*failure));
	if ((how->exits & ~HP_EXITS_ALL) || !is_history(how->history))
		return fail(failure, HP_ERROR_REQUEST, HP_NO_PROCESSOR);
	error = change(start, how, failure);
	if (error) {
		failure_log("not started", failure);
		return error;
	}
	host_lock();
	log_line(HP_INFO, "HyperPlatform " HP_VERSION " runs under %u processors", count_guests());
	host_unlock();
	return HP_ERROR_OK;
}

static void log_stop(enum hp_error error, const struct hp_failure *failure)
{
	if (error)
		failure_log("not stopped", failure);
	else
		log_line(HP_INFO, "HyperPlatform has left every processor");
}

enum hp_error lifecycle_stop(struct hp_failure *failure)
{
	enum hp_error error = change(stop, NULL, failure);

	log_stop(error, failure);
	return error;
}

void lifecycle_step_aside(void)
{
	struct hp_failure failure;
	enum hp_error error = change(stop_failed, NULL, &failure);

	/* Whoever stops it at the same time says so himself. */
	if (error == HP_ERROR_BUSY || error == HP_ERROR_NOT_RUNNING)
		return;
	/* Every tick calls again, until it is done. */
	if (error == HP_ERROR_OK || !waiting)
		log_stop(error, &failure);
	waiting = true;
	if (error == HP_ERROR_OK)
		log_line(HP_ERR, "HyperPlatform has stepped aside; hpctl report says why");
}

/* One whose pages were not taken at the start, or that is less able than the others, stays out. */
static enum hp_error admit(struct processor *processor)
{
	enum hp_error error;

	if (!processor->gate)
		return HP_ERROR_NO_MEMORY;
	error = processor_examine(processor);
	if (!error && (processor_ept_largest(processor) < machine.ept_largest ||
		       !subscribe_possible(&machine, processor)))
		error = HP_ERROR_CAPABILITY;
	return error;
}

/* A processor that is online and native joins the others. */
static void come_back(struct processor *processor)
{
	struct hp_failure failure = { .processor = processor->index };

	/* A run in which root has failed is about to end; the page of who escaped is not as it was.
	 */
	if (processor->inside || report_is_there(&machine))
		return;
	processor->error = admit(processor);
	if (!processor->error)
		processor_enter(processor);
	if (!processor->error)
		return;
	failure.error = processor->error;
	failure.requirement = failure_requirement(&processor->check);
	if (processor->gate)
		memcpy(failure.detail, processor->gate->detail, sizeof(failure.detail));
	failure_log("a processor runs natively", &failure);
}

void lifecycle_processor_online(uint32_t processor)
{
	if (!running || asleep)
		return;
	if (processor >= machine.processors) {
		log_line(HP_WARN,
			 "processor %u is new and runs natively: hpctl unload and load "
			 "includes it",
			 processor);
		return;
	}
	come_back(&machine.processor[processor]);
}

bool lifecycle_processor_offline(uint32_t processor)
{
	if (!running || processor >= machine.processors ||
	    processor_leave(&machine.processor[processor]) == HP_ERROR_OK)
		return true;
	log_line(HP_ERR, "processor %u did not leave: it stays online", processor);
	return false;
}

bool lifecycle_suspend(void)
{
	struct hp_failure failure;
	enum hp_error error = HP_ERROR_OK;

	memset(&failure, 0, sizeof(failure));
	host_lock();
	asleep = true;
	if (running)
		error = leave_all(&failure);
	if (error)
		failure_log("no sleep", &failure);
	host_unlock();
	return error == HP_ERROR_OK;
}

void lifecycle_resume(void)
{
	uint32_t i;

	host_lock();
	asleep = false;
	for (i = 0; running && i < machine.processors; i++) {
		if (host_processor(i) == HP_PROCESSOR_NATIVE)
			come_back(&machine.processor[i]);
	}
	host_unlock();
}

bool lifecycle_shutdown(void)
{
	struct hp_failure failure;
	enum hp_error error = HP_ERROR_NOT_RUNNING;

	memset(&failure, 0, sizeof(failure));
	host_lock();
	closed = true;
	if (running)
		error = stop(&failure);
	host_unlock();
	if (error != HP_ERROR_NOT_RUNNING)
		log_stop(error, &failure);
	return error == HP_ERROR_OK || error == HP_ERROR_NOT_RUNNING;
}
