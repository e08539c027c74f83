// SPDX-License-Identifier: MIT
/*
 * Random requests to host/requests.c, on the machine that tests/unit/host pretends, under
 *sanitizers, while processors come and go, the system sleeps, memory runs short, processors refuse
 *and do not leave, and a guest writes to what the OS side reads:
 *
 *	requests STEPS [SEED]
 *
 * Buffers have exactly the size that is said, so that a byte too many is found. A result must be
 *one of abi.h. In the end everything is put right: then the machine can be stopped, and nothing is
 *left.
 *
 * World: an ordinary process.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/host/fake.h"

#include "host/drain.h"
#include "host/lifecycle.h"
#include "host/log.h"
#include "host/machine.h"
#include "host/report.h"
#include "host/requests.h"

static const struct row {
	uint32_t code, in, out;
} rows[] = {
#define ROW(name, number, in, out) { number, in, out },
	HP_REQUESTS(ROW)
#undef ROW
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static uint64_t seed, position;
static uint64_t results[HP_ERROR_INTERNAL + 1];

static uint32_t number(uint32_t limit)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % limit;
}

static uint32_t word(void)
{
	return number(0x7fffffff) << 1 ^ number(0x7fffffff);
}

static uint32_t size(uint32_t right)
{
	if (number(8))
		return right;
	return number(2) ? right + number(3) - 1u : number(REQUESTS_BYTES_MAX);
}

static void request(void)
{
	const struct row *row = &rows[number(ROWS)];
	uint32_t code = number(20) ? row->code : word(), i, value, result;
	uint32_t in_bytes = size(row->in), out_bytes = size(row->out);
	uint8_t *in, *out;

	if (in_bytes > REQUESTS_BYTES_MAX)
		in_bytes = 0;
	if (out_bytes > REQUESTS_BYTES_MAX)
		out_bytes = 0;
	in = malloc(in_bytes);
	out = malloc(out_bytes);
	for (i = 0; i + sizeof(value) <= in_bytes; i += sizeof(value)) {
		value = number(3) ? number(5) : number(2) ? HP_HISTORY_DEFAULT : word();
		memcpy(in + i, &value, sizeof(value));
	}
	result = requests_handle(code, in, in_bytes, out, out_bytes);
	assert_in_range(result, HP_ERROR_OK, HP_ERROR_INTERNAL);
	results[result]++;
	free(in);
	free(out);
}

/* A guest's write to pages that the OS side reads: what the OS side then finds there. */
static void scribble(void)
{
	struct machine *machine = lifecycle_machine();
	struct processor *processor;
	uint32_t i;

	if (!machine)
		return;
	processor = &machine->processor[number(machine->processors)];
	if (!processor->gate)
		return;
	switch (number(5)) {
	case 0:
		processor->ring->head = (uint64_t)word() << number(33);
		break;
	case 1:
		for (i = 0; i < sizeof(processor->ring->record); i += sizeof(uint32_t))
			((uint32_t *)processor->ring->record)[i / sizeof(uint32_t)] = word();
		break;
	case 2:
		if (fake.processor[processor->index].gate)
			processor->gate->in_guest = number(2);
		break;
	case 3:
		for (i = 0; i < sizeof(struct hp_report); i += sizeof(uint32_t))
			((uint32_t *)processor->trail)[i / sizeof(uint32_t)] =
				number(2) ? word() : 0;
		break;
	default:
		machine->gate->pool.generation = word();
		machine->gate->passed[processor->index] = word();
		break;
	}
}

static void change_processor(void)
{
	struct fake_processor *processor;
	uint32_t i = 1 + number(FAKE_PROCESSORS - 1);

	processor = &fake.processor[i];
	switch (number(4)) {
	case 0:
		if (processor->state == HP_PROCESSOR_NATIVE)
			fake_offline(i);
		else if (processor->state == HP_PROCESSOR_OFFLINE)
			fake_online(i);
		break;
	case 1:
		processor->refuses = number(2) ? HP_ERROR_VMXON_FAILED : HP_ERROR_OK;
		break;
	case 2:
		processor->refuses_exits = number(2) ? HP_ERROR_CAPABILITY : HP_ERROR_OK;
		break;
	default:
		processor->stays = number(8) == 0;
		break;
	}
}

static void read_log(void)
{
	char *text = malloc(LOG_LINE);

	while (log_read(&position, text, LOG_LINE))
		;
	free(text);
}

static void step(void)
{
	switch (number(24)) {
	case 0:
	case 1:
		change_processor();
		break;
	case 2:
	case 3:
		scribble();
		break;
	case 4:
		fake.fail_allocation = number(2) ? fake.allocations + number(150) : FAKE_NEVER;
		break;
	case 5:
		lifecycle_suspend();
		break;
	case 6:
		lifecycle_resume();
		break;
	case 7:
	case 8:
		drain_run();
		break;
	case 9:
		read_log();
		break;
	default:
		request();
		break;
	}
}

/* Whatever was: now all goes well. */
static void put_right(void)
{
	struct hp_failure failure;
	uint32_t i;

	fake.fail_allocation = FAKE_NEVER;
	for (i = 0; i < FAKE_PROCESSORS; i++) {
		fake.processor[i].refuses = fake.processor[i].refuses_exits = HP_ERROR_OK;
		fake.processor[i].stays = false;
	}
	lifecycle_resume();
	lifecycle_stop(&failure);
	assert_null(lifecycle_machine());
	assert_int_equal(fake_start(HP_EXITS_ALL, &failure), HP_ERROR_OK);
	assert_int_equal(lifecycle_stop(&failure), HP_ERROR_OK);
	report_end();
	log_end();
	fake_close();
}

int main(int argc, char **argv)
{
	unsigned long steps = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000, i;
	unsigned result;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	fake_open(FAKE_PROCESSORS, 256);
	assert_true(log_init());
	for (i = 0; i < steps; i++)
		step();
	put_right();
	printf("%lu steps; results of requests:", steps);
	for (result = 0; result <= HP_ERROR_INTERNAL; result++) {
		if (results[result])
			printf(" %u: %llu", result, (unsigned long long)results[result]);
	}
	printf("\n");
	return 0;
}
