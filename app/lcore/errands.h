/* app/lcore/errands.h - what a data lcore does for the cluster: fences, counts, lost slots.
 *
 *     control --MAIL_FENCE n--> errands_mail() ... end of turn, no mail left: errands_settle() --MAIL_FENCED n--> control
 *
 * Q1  A fence is answered when every command that had begun before it has run, and every mail that had arrived has been read
 *     (or ERRANDS_FENCE_TURNS have passed: where mail never ends, one turn after the other is a boundary all the same).
 * Q2  An answer that finds the ring full is sent on a later turn.
 * One per data lcore, which alone calls it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ERRANDS_FENCE_TURNS 256

struct data_lcore;
struct mail;

struct errands {
	uint64_t fence_asked, fence_answered;
	unsigned fence_turns; /* that the fence has waited for the end of mail */
	unsigned counts_owed; /* answers to MAIL_COUNT_KEYS that have not left */
};

/* True: it was ours. */
bool errands_mail(struct data_lcore *d, const struct mail *mail, uint64_t now_us);
/* End of a turn; mail_left: more mail has come than was read. True: something still waits. */
bool errands_settle(struct data_lcore *d, bool mail_left);
