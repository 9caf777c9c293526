/* tests/unit/app/net/eal.h - mbufs for tests: an EAL without hugepages, devices or files, and one pool. */
#pragma once
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "app/net/chunk.h"

static inline struct rte_mempool *
eal_pool(unsigned mbufs)
{
	static char *arguments[] = {
		"test",           "--no-huge",   "-m",    "64", "--no-pci", "--no-shconf",
		"--no-telemetry", "--log-level", "error", "-l", "0",        NULL};
	if (rte_eal_init(11, arguments) < 0)
		return NULL;
	return rte_pktmbuf_pool_create("test", mbufs, 0, CHUNK_PRIVATE_SIZE,
				       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
}
