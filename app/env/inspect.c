/* app/env/inspect.c - rte_pdump, where a secondary process could reach it. */
#include "app/env/inspect.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_memzone.h>
#include <rte_pdump.h>

#define PROBE "pollis_inspect"

static int
refuse(const struct rte_mp_msg *message, const void *peer)
{
	(void)message, (void)peer;
	return -ENOTSUP;
}

/* EAL has no question for it: where it keeps no socket for secondaries, it registers no action for their messages. */
static bool
takes_messages(void)
{
	if (rte_mp_action_register(PROBE, refuse) != 0)
		return false;
	rte_mp_action_unregister(PROBE);
	return true;
}

enum inspect
inspect_open(void)
{
	if (!rte_eal_has_hugepages() || !takes_messages())
		return INSPECT_PRIVATE;
	return rte_pdump_init() == 0 ? INSPECT_OPEN : INSPECT_FAILED;
}

void
inspect_close(void)
{
	rte_pdump_uninit();
}
