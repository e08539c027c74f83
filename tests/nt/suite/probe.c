#include "suite.h"
void probe_run(void)
{
}
