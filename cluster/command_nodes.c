/* cluster/command_nodes.c - MEET to SET-CONFIG-EPOCH: an operator says who belongs, who leads and who goes. */
#include <arpa/inet.h>

#include "cluster/command.h"
#include "cluster/epoch.h"
#include "cluster/failure.h"
#include "cluster/forget.h"
#include "cluster/handshake.h"
#include "cluster/render.h"
#include "cluster/role.h"
#include "cluster/text.h"
#include "proto/base/number.h"
#include "proto/resp/writer.h"

#define BUS_PORT_OFFSET 10000

#define ERROR_SYNTAX    "ERR syntax error"
#define ERROR_NOT_EMPTY "ERR To set a master the node must be empty and without assigned slots."

static void
reply_refusal(const struct order *o, const char *error)
{
	if (error == NULL)
		reply_ok(o);
	else
		resp_error(o->w, error);
}

/* ---- MEET ---- */

/* The one way to write an address, as it stands in everybody's table. False: it is none. */
static bool
take_ip(struct span word, char ip[BUS_IP_LEN])
{
	uint8_t bytes[sizeof(struct in6_addr)];
	char text[BUS_IP_LEN] = {0};
	if (word.len >= sizeof(text) || memchr(word.at, '\0', word.len) != NULL)
		return false;
	memcpy(text, word.at, word.len);
	int family = AF_INET;
	if (inet_pton(family, text, bytes) != 1) {
		family = AF_INET6;
		if (inet_pton(family, text, bytes) != 1)
			return false;
	}
	return inet_ntop(family, bytes, ip, BUS_IP_LEN) != NULL;
}

static bool
is_port(int64_t value)
{
	return value > 0 && value <= UINT16_MAX;
}

static bool
take_port(const struct order *o, uint32_t at, const char *which, int64_t *port)
{
	const struct span word = o->argv[at];
	if (number_parse(word.at, word.len, port))
		return true;
	resp_errorf(o->w, "ERR Invalid TCP %s port specified: %.*s", which, (int)word.len,
		    (const char *)word.at);
	return false;
}

void
command_meet(struct order *o)
{
	int64_t port, cport;
	char ip[BUS_IP_LEN];
	if (o->argc > 5) {
		reply_no_such_form(o);
		return;
	}
	if (!take_port(o, 3, "base", &port))
		return;
	if (o->argc == 4)
		cport = is_port(port) ? port + BUS_PORT_OFFSET : 0;
	else if (!take_port(o, 4, "bus", &cport))
		return;
	enum meet_result result = MEET_BAD_ADDRESS;
	if (take_ip(o->argv[2], ip) && is_port(port) && is_port(cport))
		result = handshake_start(o->c, ip, (uint16_t)port, (uint16_t)cport);
	if (result == MEET_BAD_ADDRESS)
		resp_errorf(o->w, "ERR Invalid node address specified: %.*s:%.*s",
			    (int)o->argv[2].len, (const char *)o->argv[2].at, (int)o->argv[3].len,
			    (const char *)o->argv[3].at);
	else if (result == MEET_FULL) /* Redis has no limit */
		resp_error(o->w, "ERR No place for one more node");
	else
		reply_ok(o);
}

/* ---- leaving ---- */

void
command_forget(struct order *o)
{
	struct node_id id;
	enum forget_refusal refusal = FORGET_UNKNOWN;
	if (o->argv[2].len == NODE_ID_LEN) {
		memcpy(id.bytes, o->argv[2].at, NODE_ID_LEN);
		uint64_t ttl_ms = (uint64_t)o->c->config.blacklist_ttl_s * 1000;
		if (node_id_is_valid(&id))
			refusal = forget_node(o->c, &id, ttl_ms, o->out);
	}
	switch (refusal) {
	case FORGET_UNKNOWN:
		reply_unknown_node(o, 2);
		return;
	case FORGET_MYSELF:
		resp_error(o->w, "ERR I tried hard but I can't forget myself...");
		return;
	case FORGET_MY_PRIMARY:
		resp_error(o->w, "ERR Can't forget my master!");
		return;
	case FORGET_DONE:
	case FORGET_ALREADY:
	case FORGET_REFUSAL_COUNT:
		break;
	}
	reply_ok(o);
}

void
command_reset(struct order *o)
{
	bool hard = false;
	if (o->argc > 3) {
		reply_no_such_form(o);
		return;
	}
	if (o->argc == 3) {
		hard = order_is(o, 2, "hard");
		if (!hard && !order_is(o, 2, "soft")) {
			resp_error(o->w, ERROR_SYNTAX);
			return;
		}
	}
	reply_refusal(o, reset_node(o->c, hard, o->out) == RESET_HOLDS_KEYS
				 ? "ERR CLUSTER RESET can't be called with master nodes "
				   "containing keys"
				 : NULL);
}

/* ---- roles ---- */

void
command_replicate(struct order *o)
{
	static const char *const errors[REPLICATE_REFUSAL_COUNT] = {
		[REPLICATE_MYSELF] = "ERR Can't replicate myself",
		[REPLICATE_A_REPLICA] = "ERR I can only replicate a master, not a replica.",
		[REPLICATE_NOT_EMPTY] = ERROR_NOT_EMPTY,
	};
	enum replicate_refusal refusal = role_replicate(o->c, order_node(o, 2), o->out);
	if (refusal == REPLICATE_UNKNOWN_NODE)
		reply_unknown_node(o, 2);
	else
		reply_refusal(o, errors[refusal]);
}

void
command_failover(struct order *o)
{
	static const char *const errors[MANUAL_REFUSAL_COUNT] = {
		[MANUAL_NOT_A_REPLICA] = "ERR You should send CLUSTER FAILOVER to a replica",
		[MANUAL_PRIMARY_UNKNOWN] = "ERR I'm a replica but my master is unknown to me",
		[MANUAL_PRIMARY_DOWN] =
			"ERR Master is down or failed, please use CLUSTER FAILOVER FORCE",
	};
	enum manual_form form = MANUAL_DEFAULT;
	if (o->argc > 3) {
		reply_no_such_form(o);
		return;
	}
	if (o->argc == 3) {
		if (order_is(o, 2, "force")) {
			form = MANUAL_FORCE;
		} else if (order_is(o, 2, "takeover")) {
			form = MANUAL_TAKEOVER;
		} else {
			resp_error(o->w, ERROR_SYNTAX);
			return;
		}
	}
	reply_refusal(o, errors[manual_start(o->c, form, o->out)]);
}

void
command_replicas(struct order *o)
{
	uint32_t node = order_node(o, 2);
	if (node == NODE_NONE)
		reply_unknown_node(o, 2);
	else if (node_is_replica(&o->c->nodes[node]))
		resp_error(o->w, "ERR The specified node is not a master");
	else
		render_replicas(o->c, node, o->facts, o->w);
}

void
command_count_failure_reports(struct order *o)
{
	uint32_t node = order_node(o, 2);
	if (node == NODE_NONE)
		reply_unknown_node(o, 2);
	else
		resp_integer(o->w, failure_report_count(o->c, node));
}

/* ---- epochs ---- */

void
command_set_config_epoch(struct order *o)
{
	static const char *const errors[SET_EPOCH_REFUSAL_COUNT] = {
		[SET_EPOCH_KNOWS_NODES] =
			"ERR The user can assign a config epoch only when the node does not "
			"know any other node.",
		[SET_EPOCH_NOT_ZERO] = "ERR Node config epoch is already non-zero",
	};
	int64_t epoch;
	if (!number_parse(o->argv[2].at, o->argv[2].len, &epoch)) {
		resp_error(o->w, "ERR value is not an integer or out of range");
		return;
	}
	enum set_epoch_refusal refusal = SET_EPOCH_TOO_GREAT;
	if (epoch >= 0)
		refusal = epoch_set(o->c, (uint64_t)epoch);
	if (refusal == SET_EPOCH_TOO_GREAT)
		resp_errorf(o->w, "ERR Invalid config epoch specified: %lld", (long long)epoch);
	else
		reply_refusal(o, errors[refusal]);
}

void
command_bumpepoch(struct order *o)
{
	struct text reply = text_reply(o->w);
	bool bumped = epoch_bump(o->c, o->out);
	text_word(&reply, bumped ? "+BUMPED " : "+STILL ");
	text_number(&reply, view_myself(o->c)->config_epoch);
	text_word(&reply, "\r\n");
}
