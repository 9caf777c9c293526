/* app/env/inspect.h - letting other DPDK processes look in: dpdk-dumpcap (scripts/capture) attaches to us as a secondary.
 *
 *     INSPECT_OPEN     packets can be captured
 *     INSPECT_PRIVATE  --in-memory, --no-shconf or --no-huge: EAL shares no files or no memory, nobody can attach
 *     INSPECT_FAILED   EAL said no: rte_errno
 */
#pragma once

enum inspect { INSPECT_OPEN, INSPECT_PRIVATE, INSPECT_FAILED };

/* Once, after EAL's start, on the main lcore. */
enum inspect inspect_open(void);
void inspect_close(void);
