// SPDX-License-Identifier: MIT
/*
 * A processor on which the hypervisor can't run: the driver loads, says why it does not start, and
 * goes.
 *
 * World: the lab's kernel, in the thread of the tests.
 */
#include "suite.h"

static uint32_t wanted;

static void check(void)
{
	const uint32_t processor = 0;
	struct hp_check found;
	uint32_t error = client_request(HP_REQUEST_CHECK, &processor, sizeof(processor), &found,
					sizeof(found));

	judge_check(error == HP_ERROR_OK && found.error == wanted, "%s, and then %s",
		    client_error(error), client_error(found.error));
}

static void start(void)
{
	unsigned blocks = pool_in_use();
	uint32_t error;

	state_keep();
	error = client_start(0);
	judge_check(error == wanted && client_failure.error == wanted, "%s", client_error(error));
	judge_check(pool_in_use() == blocks, "%u blocks of memory are left",
		    pool_in_use() - blocks);
	state_compare("after the refusal");
	client_close();
}

void refused_run(uint32_t error)
{
	static const struct test tests[] = {
		{ "refused: the check names the reason", check },
		{ "refused: so does the start", start },
		{ NULL, NULL },
	};

	wanted = error;
	export_set_version(false);
	file_set_start_at_load(false, 0);
	judge_check(NT_SUCCESS(suite_load("refused: load", false)) && client_open(),
		    "the driver does not load: %lx", client_status);
	judge_end();
	suite_tests(tests);
	suite_unload("refused: unload", NULL);
	export_set_version(true);
	file_set_start_at_load(true, 1);
	judge_check(!NT_SUCCESS(suite_load("refused: at load, the load fails", false)),
		    "it is loaded");
	suite_check_leaks();
	judge_end();
}
