/* cluster/emit.h - how the files of this folder fill struct effects: one function per kind of effect, and the frames.
 *
 *     emit_pong(), emit_vote() ... --> head from durable or live state (cluster.h C3) --> EFFECT_SEND
 *
 * E1  PING, PONG, MEET, FAIL, UPDATE and MFSTART show durable state and go at once; AUTH_REQUEST, AUTH_ACK and the PONG of a
 *     new primary show live state and carry the number of its save.
 * E2  No room for a message: it is not sent, the function says so. No room for a TRACE: it is only counted.
 * E3  While data lcores stand still (data_alive) neither PING nor PONG is sent: a node that cannot serve must fail over.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "cluster/effect.h"

struct cluster;

enum emit_state { EMIT_DURABLE, EMIT_LIVE };

void emit_begin(struct effects *out);
struct effect *emit_add(struct effects *out, enum effect_kind kind);
void emit_trace(struct cluster *c, struct effects *out, enum cluster_trace trace, uint32_t node,
		uint64_t number);
void emit_close(struct effects *out, bus_link link); /* 0: nothing */
/* We are a primary (NODE_NONE) or follow node; waits for the save, so that roles change in the order of decisions. */
void emit_role(struct cluster *c, struct effects *out, uint32_t node);

/* Room for count messages with whole gossip sections? */
bool emit_has_room(const struct cluster *c, const struct effects *out, unsigned count);
/* To node over its outbound link; to a link whatever node it belongs to (NODE_NONE: nobody known). false: not sent. */
bool emit_ping(struct cluster *c, struct effects *out, uint32_t node,
	       bool brief); /* MEET if the node still needs it */
bool emit_ping_on(struct cluster *c, struct effects *out, uint32_t node, bus_link link);
bool emit_pong_on(struct cluster *c, struct effects *out, uint32_t node, bus_link link);
/* One frame each, to every node with an outbound link that is up. */
void emit_pong_all(struct cluster *c, struct effects *out, bool siblings_only, uint64_t after);
void emit_ping_voters(struct cluster *c,
		      struct effects *out); /* fast_suspicion: voting primaries and siblings */
bool emit_fail_all(struct cluster *c, struct effects *out, uint32_t failed);
void emit_auth_request_all(struct cluster *c, struct effects *out, bool force_ack);
void emit_auth_request(struct cluster *c, struct effects *out, uint32_t node, bool force_ack);
void emit_vote(struct cluster *c, struct effects *out, uint32_t node);
void emit_update(struct cluster *c, struct effects *out, uint32_t to, uint32_t about);
void emit_mfstart(struct cluster *c, struct effects *out, uint32_t node);
