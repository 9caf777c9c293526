/* tests/unit/proto/inet/test_packet.c - one line per hostile frame, each with the one name it is counted under. */
#include "tests/unit/runner.h"

#include <stdlib.h>

#include "proto/inet/checksum.h"
#include "proto/inet/packet.h"
#include "tests/unit/proto/inet/frames.h"

static const struct packet_vouched nothing = {false, false};
static const struct packet_vouched everything = {true, true};

/* Parses a copy of exactly len bytes, so that a sanitizer sees every read behind it. */
static enum packet_kind
parse(const uint8_t *bytes, uint16_t len, uint32_t total, struct packet_vouched vouched,
      struct packet *out)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	memcpy(exact, bytes, len);
	enum packet_kind kind = packet_parse(&frames_host, exact, len, total, vouched, out);
	free(exact);
	return kind;
}

static enum packet_kind
parse_frame(const struct frame *f)
{
	struct packet packet;
	return parse(f->bytes, f->len, f->len, nothing, &packet);
}

START_TEST(a_tcp_segment_is_read_field_by_field)
{
	struct packet p;
	ck_assert_int_eq(parse(frame_tcp.bytes, frame_tcp.len, frame_tcp.len, nothing, &p),
			 PACKET_TCP);
	ck_assert_uint_eq(p.source, 0x0a000002);
	ck_assert_uint_eq(p.destination, 0x0a000001);
	ck_assert_uint_eq(p.source_mac.bytes[5], 2);
	ck_assert(!p.link_broadcast);
	ck_assert_uint_eq(p.source_port, 51000);
	ck_assert_uint_eq(p.destination_port, 6379);
	ck_assert_uint_eq(p.l3_offset, 14);
	ck_assert_uint_eq(p.l4_offset, 34);
	ck_assert_uint_eq(p.payload_offset, 54);
	ck_assert_uint_eq(p.payload_len, 10);
	ck_assert_uint_eq(p.segment.seq, 0x11223344);
	ck_assert_uint_eq(p.segment.ack, 0x55667788);
	ck_assert_uint_eq(p.segment.flags, TCP_PSH | TCP_ACK);
	ck_assert_uint_eq(p.segment.window, 0xfaf0);
	ck_assert_uint_eq(p.segment.payload_len, 10);
	ck_assert_uint_eq(p.segment.options.mss, 0);
	ck_assert_uint_eq(p.segment.options.wscale, TCP_WSCALE_ABSENT);
	ck_assert_uint_eq(p.segment.options.sack_count, 0);
	ck_assert(!p.segment.options.sack_permitted && !p.segment.options.has_timestamp);
}
END_TEST

START_TEST(options_of_both_headers_are_passed_over_or_read)
{
	struct packet p;
	ck_assert_int_eq(parse(frame_syn.bytes, frame_syn.len, frame_syn.len, nothing, &p),
			 PACKET_TCP);
	ck_assert_uint_eq(p.l4_offset, 38);
	ck_assert_uint_eq(p.payload_offset, 78);
	ck_assert_uint_eq(p.payload_len, 0);
	ck_assert_uint_eq(p.segment.flags, TCP_SYN);
	ck_assert_uint_eq(p.segment.options.mss, 1460);
	ck_assert_uint_eq(p.segment.options.wscale, 7);
	ck_assert(p.segment.options.sack_permitted);
	ck_assert(p.segment.options.has_timestamp);
	ck_assert_uint_eq(p.segment.options.ts_value, 0x01020304);
	ck_assert_uint_eq(p.segment.options.ts_echo, 0x05060708);
	ck_assert_int_eq(parse(frame_tcp_timestamp.bytes, frame_tcp_timestamp.len,
			       frame_tcp_timestamp.len, nothing, &p),
			 PACKET_TCP);
	ck_assert_uint_eq(p.segment.options.ts_value, 0x01020304);
	ck_assert_uint_eq(p.payload_len, 10);
}
END_TEST

START_TEST(an_echo_request_is_handed_on_whole)
{
	struct packet p;
	ck_assert_int_eq(parse(frame_echo.bytes, frame_echo.len, frame_echo.len, nothing, &p),
			 PACKET_ICMP);
	ck_assert_uint_eq(p.payload_offset, 34);
	ck_assert_uint_eq(p.payload_len, 15);
}
END_TEST

START_TEST(an_arp_request_is_decoded_though_broadcast)
{
	struct packet p;
	ck_assert_int_eq(parse(frame_arp.bytes, frame_arp.len, frame_arp.len, nothing, &p),
			 PACKET_ARP);
	ck_assert(p.link_broadcast);
	ck_assert_uint_eq(p.arp.operation, ARP_REQUEST);
	ck_assert_uint_eq(p.arp.sender, 0x0a000002);
	ck_assert_uint_eq(p.arp.target, 0x0a000001);
}
END_TEST

START_TEST(padding_behind_the_ip_length_is_cut_off)
{
	struct frame f = frame_tcp;
	struct packet p;
	memset(f.bytes + f.len, 0xee, 30);
	ck_assert_int_eq(parse(f.bytes, (uint16_t)(f.len + 30), f.len + 30u, nothing, &p),
			 PACKET_TCP);
	ck_assert_uint_eq(p.payload_len, 10);
	f = frame_echo;
	ck_assert_int_eq(parse(f.bytes, (uint16_t)(f.len + 11), f.len + 11u, nothing, &p),
			 PACKET_ICMP);
	ck_assert_uint_eq(p.payload_len, 15);
	f = frame_arp;
	ck_assert_int_eq(parse(f.bytes, 60, 60, nothing, &p), PACKET_ARP);
}
END_TEST

START_TEST(every_truncation_of_every_frame_is_dropped)
{
	static const struct frame *const frames[] = {&frame_tcp, &frame_tcp_timestamp, &frame_syn,
						     &frame_echo, &frame_arp};
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		for (uint16_t len = 0; len < frames[i]->len; len++) {
			struct packet p;
			ck_assert_msg(parse(frames[i]->bytes, len, len, nothing, &p) >=
					      PACKET_DROP_SHORT,
				      "frame %zu, %u bytes", i, len);
			ck_assert_msg(parse(frames[i]->bytes, len, len, everything, &p) >=
					      PACKET_DROP_SHORT,
				      "frame %zu, %u bytes, vouched for", i, len);
		}
}
END_TEST

START_TEST(payload_may_continue_elsewhere_only_if_it_is_vouched_for)
{
	struct packet p;
	for (uint16_t len = 0; len <= frame_syn.len; len++) {
		enum packet_kind kind = parse(frame_syn.bytes, len, frame_syn.len, everything, &p);
		ck_assert_int_eq(kind, len < frame_syn.len ? PACKET_DROP_SHORT : PACKET_TCP);
	}
	for (uint16_t len = 54; len < frame_tcp.len; len++) {
		ck_assert_int_eq(parse(frame_tcp.bytes, len, frame_tcp.len, everything, &p),
				 PACKET_TCP);
		ck_assert_uint_eq(p.payload_len, 10);
		ck_assert_int_eq(parse(frame_tcp.bytes, len, frame_tcp.len, nothing, &p),
				 PACKET_DROP_SHORT);
	}
	ck_assert_int_eq(parse(frame_echo.bytes, 48, frame_echo.len, everything, &p),
			 PACKET_DROP_ICMP_SHORT);
}
END_TEST

/* ---- one line per hostile frame ---- */

enum fix { NONE, IP = 1, L4 = 2, BOTH = 3 }; /* checksums made right again after the change */

struct hostile {
	const char *what;
	const struct frame *base;
	uint16_t at;   /* offset of the first changed byte */
	uint8_t count; /* of changed bytes */
	uint8_t bytes[8];
	enum fix fix;
	enum packet_kind expected;
};

static const struct hostile hostile[] = {
  /* Ethernet */
	{"another unicast MAC",                     &frame_tcp,           5,  1, {9},            NONE, PACKET_DROP_ETHER_DEST   },
	{"ARP to another MAC",                      &frame_arp,           0,  1, {2},            NONE, PACKET_DROP_ETHER_DEST   },
	{"802.3 length 46",                         &frame_tcp,           12, 2, {0, 46},        NONE, PACKET_DROP_LLC          },
	{"largest 802.3 length",                    &frame_tcp,           12, 2, {0x05, 0xff},   NONE, PACKET_DROP_LLC          },
	{"least EtherType",                         &frame_tcp,           12, 2, {0x06, 0x00},   NONE, PACKET_DROP_ETHERTYPE    },
	{"IPv6",				    &frame_tcp,           12, 2, {0x86, 0xdd},   NONE, PACKET_DROP_ETHERTYPE    },
	{"802.1Q tag",			      &frame_tcp,           12, 2, {0x81, 0x00},   NONE, PACKET_DROP_ETHERTYPE    },
	{"TCP to the broadcast MAC",
	 &frame_tcp,
	 0,								   6,
	 {255, 255, 255, 255, 255, 255},
	 NONE,											 PACKET_DROP_BROADCAST    },
	{"TCP to a multicast MAC",                  &frame_tcp,           0,  3, {1, 0, 0x5e},   NONE, PACKET_DROP_BROADCAST    },
	{"echo request to a multicast MAC",         &frame_echo,          0,  1, {3},            NONE, PACKET_DROP_BROADCAST    },
 /* ARP */
	{"ARP hardware type 6",                     &frame_arp,           15, 1, {6},            NONE, PACKET_DROP_ARP          },
	{"ARP protocol IPv6",                       &frame_arp,           16, 2, {0x86, 0xdd},   NONE, PACKET_DROP_ARP          },
	{"ARP hardware length 8",                   &frame_arp,           18, 1, {8},            NONE, PACKET_DROP_ARP          },
	{"ARP protocol length 16",                  &frame_arp,           19, 1, {16},           NONE, PACKET_DROP_ARP          },
	{"ARP operation 0",                         &frame_arp,           21, 1, {0},            NONE, PACKET_DROP_ARP          },
	{"ARP operation 3",                         &frame_arp,           21, 1, {3},            NONE, PACKET_DROP_ARP          },
	{"ARP operation 258",                       &frame_arp,           20, 2, {1, 2},         NONE, PACKET_DROP_ARP          },
	{"ARP from a group MAC",                    &frame_arp,           22, 1, {3},            NONE, PACKET_DROP_ARP          },
 /* IPv4 header */
	{"version 6",			       &frame_tcp,           14, 1, {0x65},         IP,   PACKET_DROP_IP_VERSION   },
	{"version 0",			       &frame_tcp,           14, 1, {0x05},         IP,   PACKET_DROP_IP_VERSION   },
	{"ihl 4",				   &frame_tcp,           14, 1, {0x44},         IP,   PACKET_DROP_IP_HEADER    },
	{"ihl 0",				   &frame_tcp,           14, 1, {0x40},         IP,   PACKET_DROP_IP_HEADER    },
	{"ihl beyond the total length",
	 &frame_tcp,
	 14,								  4,
	 {0x4f, 0, 0, 59},
	 IP,											   PACKET_DROP_IP_HEADER    },
	{"ihl beyond the frame",                    &frame_tcp,           14, 1, {0x4f},         NONE, PACKET_DROP_IP_HEADER    },
	{"total length 0",                          &frame_tcp,           16, 2, {0, 0},         IP,   PACKET_DROP_IP_HEADER    },
	{"total length below the header",           &frame_tcp,           16, 2, {0, 19},        IP,   PACKET_DROP_IP_HEADER    },
	{"total length one past the frame",         &frame_tcp,           16, 2, {0, 51},        IP,   PACKET_DROP_IP_HEADER    },
	{"total length 65535",                      &frame_tcp,           16, 2, {255, 255},     IP,   PACKET_DROP_IP_HEADER    },
	{"no room for TCP",                         &frame_tcp,           16, 2, {0, 20},        IP,   PACKET_DROP_SHORT        },
	{"one byte less than a TCP header",         &frame_tcp,           16, 2, {0, 39},        IP,   PACKET_DROP_SHORT        },
	{"IP checksum off by one",                  &frame_tcp,           25, 1, {0x91},         NONE, PACKET_DROP_IP_CHECKSUM  },
	{"IP checksum zero",                        &frame_tcp,           24, 2, {0, 0},         NONE, PACKET_DROP_IP_CHECKSUM  },
	{"IP checksum ffff",                        &frame_tcp,           24, 2, {255, 255},     NONE, PACKET_DROP_IP_CHECKSUM  },
 /* addresses */
	{"to our neighbour",                        &frame_tcp,           33, 1, {3},            BOTH, PACKET_DROP_IP_DEST      },
	{"to another net",                          &frame_tcp,           30, 1, {11},           BOTH, PACKET_DROP_IP_DEST      },
	{"to 127.0.0.1",			    &frame_tcp,           30, 1, {127},          BOTH, PACKET_DROP_IP_DEST      },
	{"to 0.0.0.0",			      &frame_tcp,           30, 4, {0, 0, 0, 0},   BOTH, PACKET_DROP_IP_DEST      },
	{"TCP to our subnet's broadcast",           &frame_tcp,           33, 1, {255},          BOTH, PACKET_DROP_BROADCAST    },
	{"TCP to 255.255.255.255",
	 &frame_tcp,
	 30,								  4,
	 {255, 255, 255, 255},
	 BOTH,											 PACKET_DROP_BROADCAST    },
	{"TCP to 224.0.0.1",                        &frame_tcp,           30, 4, {224, 0, 0, 1}, BOTH, PACKET_DROP_BROADCAST    },
	{"TCP to 239.255.255.255",
	 &frame_tcp,
	 30,								  4,
	 {239, 255, 255, 255},
	 BOTH,											 PACKET_DROP_BROADCAST    },
	{"echo request to our subnet's broadcast",
	 &frame_echo,
	 33,								  1,
	 {255},
	 IP,											   PACKET_DROP_BROADCAST    },
	{"from 0.0.0.0",			    &frame_tcp,           26, 4, {0, 0, 0, 0},   BOTH, PACKET_DROP_IP_SOURCE    },
	{"from 0.1.2.3",			    &frame_tcp,           26, 4, {0, 1, 2, 3},   BOTH, PACKET_DROP_IP_SOURCE    },
	{"from 127.0.0.1",                          &frame_tcp,           26, 4, {127, 0, 0, 1}, BOTH, PACKET_DROP_IP_SOURCE    },
	{"from 224.0.0.1",                          &frame_tcp,           26, 4, {224, 0, 0, 1}, BOTH, PACKET_DROP_IP_SOURCE    },
	{"from 240.0.0.1",                          &frame_tcp,           26, 4, {240, 0, 0, 1}, BOTH, PACKET_DROP_IP_SOURCE    },
	{"from 255.255.255.255",
	 &frame_tcp,
	 26,								  4,
	 {255, 255, 255, 255},
	 BOTH,											 PACKET_DROP_IP_SOURCE    },
	{"from our subnet's broadcast",             &frame_tcp,           29, 1, {255},          BOTH, PACKET_DROP_IP_SOURCE    },
	{"echo request from 127.0.0.1",
	 &frame_echo,
	 26,								  4,
	 {127, 0, 0, 1},
	 IP,											   PACKET_DROP_IP_SOURCE    },
	{"LAND: from our own address",              &frame_tcp,           29, 1, {1},            BOTH, PACKET_DROP_IP_LAND      },
	{"echo request from our own address",       &frame_echo,          29, 1, {1},            IP,   PACKET_DROP_IP_LAND      },
 /* options, fragments, protocols */
	{"loose source route",                      &frame_syn,           34, 4, {131, 3, 4, 0}, BOTH, PACKET_DROP_IP_OPTIONS   },
	{"strict source route",                     &frame_syn,           34, 4, {137, 3, 4, 0}, BOTH, PACKET_DROP_IP_OPTIONS   },
	{"source route behind padding",
	 &frame_syn,
	 34,								  4,
	 {1, 131, 3, 4},
	 BOTH,											 PACKET_DROP_IP_OPTIONS   },
	{"IP option length 0",                      &frame_syn,           34, 4, {148, 0, 0, 0}, BOTH, PACKET_DROP_IP_OPTIONS   },
	{"IP option length 1",                      &frame_syn,           34, 4, {148, 1, 0, 0}, BOTH, PACKET_DROP_IP_OPTIONS   },
	{"IP option past the header",
	 &frame_syn,
	 34,								  4,
	 {148, 5, 0, 0},
	 BOTH,											 PACKET_DROP_IP_OPTIONS   },
	{"IP option without its length",
	 &frame_syn,
	 34,								  4,
	 {1, 1, 1, 148},
	 BOTH,											 PACKET_DROP_IP_OPTIONS   },
	{"source route behind the end of the list",
	 &frame_syn,
	 34,								  4,
	 {0, 131, 3, 4},
	 BOTH,											 PACKET_TCP               },
	{"unknown IP option",                       &frame_syn,           34, 4, {30, 4, 0, 0},  BOTH, PACKET_TCP               },
	{"first fragment",                          &frame_tcp,           20, 2, {0x20, 0},      IP,   PACKET_DROP_IP_FRAGMENT  },
	{"last fragment",			   &frame_tcp,           20, 2, {0, 1},         IP,   PACKET_DROP_IP_FRAGMENT  },
	{"fragment far out",                        &frame_tcp,           20, 2, {0x1f, 0xff},   IP,   PACKET_DROP_IP_FRAGMENT  },
	{"fragment with DF",                        &frame_tcp,           20, 2, {0x60, 0},      IP,   PACKET_DROP_IP_FRAGMENT  },
	{"echo request, fragment",                  &frame_echo,          20, 2, {0x20, 0},      IP,   PACKET_DROP_IP_FRAGMENT  },
	{"UDP",				     &frame_tcp,           23, 1, {17},           IP,   PACKET_DROP_IP_PROTOCOL  },
	{"IP in IP",				&frame_tcp,           23, 1, {4},            IP,   PACKET_DROP_IP_PROTOCOL  },
	{"protocol 255",			    &frame_tcp,           23, 1, {255},          IP,   PACKET_DROP_IP_PROTOCOL  },
	{"TTL 0 arrives all the same",              &frame_tcp,           22, 1, {0},            IP,   PACKET_TCP               },
 /* ICMP */
	{"ICMP of 7 bytes",                         &frame_echo,          16, 2, {0, 27},        IP,   PACKET_DROP_ICMP_SHORT   },
	{"ICMP of no bytes",                        &frame_echo,          16, 2, {0, 20},        IP,   PACKET_DROP_ICMP_SHORT   },
	{"ICMP checksum off",                       &frame_echo,          37, 1, {0x04},         NONE, PACKET_DROP_ICMP_CHECKSUM},
	{"last, odd byte of ICMP changed",
	 &frame_echo,
	 48,								  1,
	 {'h'},
	 NONE,											 PACKET_DROP_ICMP_CHECKSUM},
 /* TCP */
	{"data offset 4",			   &frame_tcp,           46, 1, {0x40},         L4,   PACKET_DROP_TCP_HEADER   },
	{"data offset 0",			   &frame_tcp,           46, 1, {0x00},         L4,   PACKET_DROP_TCP_HEADER   },
	{"data offset past the segment",            &frame_tcp,           46, 1, {0x80},         L4,   PACKET_DROP_TCP_HEADER   },
	{"data offset 15",                          &frame_tcp,           46, 1, {0xf0},         L4,   PACKET_DROP_TCP_HEADER   },
	{"TCP checksum off by one",                 &frame_tcp,           51, 1, {0x4d},         NONE, PACKET_DROP_TCP_CHECKSUM },
	{"TCP checksum zero",                       &frame_tcp,           50, 2, {0, 0},         NONE, PACKET_DROP_TCP_CHECKSUM },
	{"TCP checksum ffff",                       &frame_tcp,           50, 2, {255, 255},     NONE, PACKET_DROP_TCP_CHECKSUM },
	{"last byte of payload changed",            &frame_tcp,           63, 1, {'8'},          NONE, PACKET_DROP_TCP_CHECKSUM },
	{"payload cut by a shorter IP length",
	 &frame_tcp,
	 16,								  2,
	 {0, 49},
	 IP,											   PACKET_DROP_TCP_CHECKSUM },
	{"source address changed under TCP",        &frame_tcp,           29, 1, {3},            IP,   PACKET_DROP_TCP_CHECKSUM },
	{"source port 0",			   &frame_tcp,           34, 2, {0, 0},         L4,   PACKET_DROP_TCP_PORT     },
	{"destination port 0",                      &frame_tcp,           36, 2, {0, 0},         L4,   PACKET_DROP_TCP_PORT     },
	{"TCP option length 0",                     &frame_syn,           58, 2, {2, 0},         L4,   PACKET_DROP_TCP_OPTIONS  },
	{"TCP option length 1",                     &frame_syn,           58, 2, {2, 1},         L4,   PACKET_DROP_TCP_OPTIONS  },
	{"TCP option past the header",              &frame_syn,           75, 2, {3, 4},         L4,   PACKET_DROP_TCP_OPTIONS  },
	{"TCP option without its length",
	 &frame_syn,
	 75,								  3,
	 {1, 1, 3},
	 L4,											   PACKET_DROP_TCP_OPTIONS  },
	{"unknown option length 0",
	 &frame_tcp_timestamp,
	 54,								  2,
	 {254, 0},
	 L4,											   PACKET_DROP_TCP_OPTIONS  },
	{"unknown TCP option",                      &frame_tcp_timestamp, 54, 2, {254, 12},      L4,   PACKET_TCP               },
 /* flags and the rest are the connection's business */
	{"Xmas tree",			       &frame_tcp,           47, 1, {0xff},         L4,   PACKET_TCP               },
	{"no flags at all",                         &frame_tcp,           47, 1, {0},            L4,   PACKET_TCP               },
	{"reserved bits",			   &frame_tcp,           46, 1, {0x5f},         L4,   PACKET_TCP               },
	{"urgent pointer beyond the segment",
	 &frame_tcp,
	 47,								  7,
	 {0x38, 1, 0, 0, 0, 255, 255},
	 L4,											   PACKET_TCP               },
};

static struct frame
spoil(const struct hostile *h)
{
	struct frame f = *h->base;
	memcpy(f.bytes + h->at, h->bytes, h->count);
	if ((h->fix & IP) != 0)
		frames_fix_ip(&f);
	if ((h->fix & L4) != 0)
		frames_fix_l4(&f);
	return f;
}

START_TEST(every_hostile_frame_is_counted_under_its_name)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct frame f = spoil(&hostile[i]);
		enum packet_kind kind = parse_frame(&f);
		ck_assert_msg(kind == hostile[i].expected, "%s: %s instead of %s", hostile[i].what,
			      packet_kind_name(kind), packet_kind_name(hostile[i].expected));
	}
}
END_TEST

START_TEST(every_drop_has_a_line_in_the_table_and_a_name)
{
	for (unsigned kind = PACKET_DROP_SHORT; kind < PACKET_KIND_COUNT; kind++) {
		unsigned lines = 0;
		for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
			lines += hostile[i].expected == kind;
		ck_assert_msg(lines > 0, "nothing is expected to be %s",
			      packet_kind_name((enum packet_kind)kind));
	}
	for (unsigned a = 0; a < PACKET_KIND_COUNT; a++) {
		const char *name = packet_kind_name((enum packet_kind)a);
		ck_assert_ptr_nonnull(name);
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(name, packet_kind_name((enum packet_kind)b));
	}
	ck_assert_str_eq(packet_kind_name(PACKET_KIND_COUNT), "unknown");
}
END_TEST

/* tests/planted/checksum_not_verified.patch must make this fail. */
START_TEST(tcp_segment_with_a_wrong_checksum_is_dropped)
{
	for (unsigned bit = 34 * 8; bit < frame_tcp.len * 8u; bit++) {
		struct frame f = frame_tcp;
		f.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		enum packet_kind kind = parse_frame(&f);
		if (bit / 8 == 46 && bit % 8 >= 4) /* the data offset is looked at first */
			ck_assert(kind == PACKET_DROP_TCP_HEADER ||
				  kind == PACKET_DROP_TCP_CHECKSUM);
		else
			ck_assert_msg(kind == PACKET_DROP_TCP_CHECKSUM, "bit %u: %s", bit,
				      packet_kind_name(kind));
	}
}
END_TEST

START_TEST(no_single_bit_error_gets_through)
{
	static const struct frame *const frames[] = {&frame_tcp, &frame_tcp_timestamp, &frame_syn,
						     &frame_echo};
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		for (unsigned bit = 0; bit < frames[i]->len * 8u; bit++) {
			struct frame f = *frames[i];
			f.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			bool source_mac = bit / 8 >= 6 && bit / 8 < 12;
			ck_assert_msg((parse_frame(&f) < PACKET_DROP_SHORT) == source_mac,
				      "frame %zu bit %u", i, bit);
		}
}
END_TEST

START_TEST(a_vouched_checksum_is_not_looked_at_and_each_vouch_stands_alone)
{
	struct packet p;
	struct frame ip = frame_tcp, tcp = frame_tcp, echo = frame_echo;
	ip.bytes[25] ^= 1;
	tcp.bytes[63] ^= 1;
	echo.bytes[48] ^= 1;
	struct packet_vouched only_ip = {.ip_checksum = true}, only_l4 = {.l4_checksum = true};
	ck_assert_int_eq(parse(ip.bytes, ip.len, ip.len, only_ip, &p), PACKET_TCP);
	ck_assert_int_eq(parse(ip.bytes, ip.len, ip.len, only_l4, &p), PACKET_DROP_IP_CHECKSUM);
	ck_assert_int_eq(parse(tcp.bytes, tcp.len, tcp.len, only_l4, &p), PACKET_TCP);
	ck_assert_int_eq(parse(tcp.bytes, tcp.len, tcp.len, only_ip, &p), PACKET_DROP_TCP_CHECKSUM);
	ck_assert_int_eq(parse(echo.bytes, echo.len, echo.len, everything, &p),
			 PACKET_DROP_ICMP_CHECKSUM); /* devices do not know ICMP */
}
END_TEST

START_TEST(a_point_to_point_net_has_no_broadcast_address)
{
	struct packet_host host = frames_host;
	struct packet p;
	struct frame f = frame_tcp; /* 10.0.0.2 > 10.0.0.3 on a /31 */
	f.bytes[33] = 3;
	frames_fix_ip(&f);
	frames_fix_l4(&f);
	host.address = 0x0a000003;
	host.netmask = 0xfffffffe;
	ck_assert_int_eq(packet_parse(&host, f.bytes, f.len, f.len, nothing, &p), PACKET_TCP);
	host.netmask = 0xffffffff;
	ck_assert_int_eq(packet_parse(&host, f.bytes, f.len, f.len, nothing, &p), PACKET_TCP);
}
END_TEST

/* ---- headers that we write ---- */

static const struct packet_flow flow = {
	.source_mac = {{2, 0, 0, 0, 0, 2}},
	.destination_mac = {{2, 0, 0, 0, 0, 1}},
	.source = 0x0a000002,
	.destination = 0x0a000001,
	.source_port = 51000,
	.destination_port = 6379,
	.ttl = 64,
	.dscp = 10,
};

static struct tcp_segment
plain_segment(void)
{
	return (struct tcp_segment){.seq = 0xfffffff0,
				    .ack = 7,
				    .window = 1234,
				    .flags = TCP_ACK | TCP_PSH,
				    .options = {.wscale = TCP_WSCALE_ABSENT}};
}

/* Writes s with payload_len bytes of payload behind it, checksum complete; answers the frame's length. */
static uint16_t
write_frame(uint8_t *at, const struct tcp_segment *s)
{
	uint16_t size = packet_tcp_headers_size(&s->options);
	packet_tcp_headers(at, &flow, s, false);
	for (unsigned i = 0; i < s->payload_len; i++)
		at[size + i] = (uint8_t)(i * 7 + 1);
	packet_tcp_checksum(at + 34, (uint16_t)(size - 34 + s->payload_len), flow.source,
			    flow.destination);
	return (uint16_t)(size + s->payload_len);
}

START_TEST(written_headers_are_read_back_with_every_set_of_options)
{
	for (unsigned set = 0; set < 16; set++)
		for (uint16_t payload = 0; payload < 70; payload++) {
			uint8_t at[PACKET_TCP_HEADERS_MAX + 70];
			struct tcp_segment s = plain_segment();
			s.payload_len = payload;
			s.options.mss = (set & 1) != 0 ? 1460 : 0;
			s.options.wscale = (set & 2) != 0 ? 7 : TCP_WSCALE_ABSENT;
			s.options.sack_permitted = (set & 4) != 0;
			s.options.has_timestamp = (set & 8) != 0;
			s.options.ts_value = s.options.has_timestamp ? 0x01020304 : 0;
			struct packet p;
			uint16_t len = write_frame(at, &s);
			ck_assert_int_eq(parse(at, len, len, nothing, &p), PACKET_TCP);
			ck_assert_uint_eq(p.source_port, 51000);
			ck_assert_uint_eq(p.destination_port, 6379);
			ck_assert_uint_eq(p.payload_len, payload);
			ck_assert_uint_eq(p.segment.seq, s.seq);
			ck_assert_uint_eq(p.segment.ack, s.ack);
			ck_assert_uint_eq(p.segment.window, s.window);
			ck_assert_uint_eq(p.segment.flags, s.flags);
			ck_assert_uint_eq(p.segment.options.mss, s.options.mss);
			ck_assert_uint_eq(p.segment.options.wscale, s.options.wscale);
			ck_assert_int_eq(p.segment.options.sack_permitted,
					 s.options.sack_permitted);
			ck_assert_int_eq(p.segment.options.has_timestamp, s.options.has_timestamp);
			ck_assert_uint_eq(p.segment.options.ts_value, s.options.ts_value);
		}
}
END_TEST

START_TEST(the_ip_header_is_what_rfc_6864_and_the_flow_ask_for)
{
	uint8_t at[PACKET_TCP_HEADERS_MAX];
	struct tcp_segment s = plain_segment();
	memset(at, 0xee, sizeof(at));
	ck_assert_uint_eq(packet_tcp_headers_size(&s.options), 54);
	packet_tcp_headers(at, &flow, &s, false);
	static const uint8_t head[10] = {0x45, 10 << 2, 0, 40, 0, 0, 0x40, 0, 64, 6};
	ck_assert_mem_eq(at, "\2\0\0\0\0\1\2\0\0\0\0\2\x08", 14);
	ck_assert_mem_eq(at + 14, head, sizeof(head));
	ck_assert_uint_eq(frames_checksum(at + 14, 20, 0), 0);
	ck_assert_mem_eq(at + 50, "\0\0\0\0", 4);
	ck_assert_uint_eq(at[54], 0xee);
}
END_TEST

/* What a device is to find in the checksum field: the folded pseudo-header, not complemented. */
START_TEST(offload_leaves_the_pseudo_header_in_the_field)
{
	uint8_t at[PACKET_TCP_HEADERS_MAX];
	struct tcp_segment s = plain_segment();
	s.payload_len = 1000;
	packet_tcp_headers(at, &flow, &s, true);
	uint32_t sum = 0x0a00 + 0x0002 + 0x0a00 + 0x0001 + 6 + 1020;
	ck_assert_uint_eq((unsigned)at[50] << 8 | at[51], sum);
}
END_TEST

START_TEST(a_written_checksum_equals_the_naive_one_at_every_length)
{
	static uint8_t room[1600];
	for (uint16_t payload = 0; payload <= 1460; payload++) {
		struct tcp_segment s = plain_segment();
		s.payload_len = payload;
		struct packet p;
		uint16_t len = write_frame(room, &s);
		uint32_t pseudo = 0x0a00 + 0x0002 + 0x0a00 + 0x0001 + 6 + 20u + payload;
		ck_assert_uint_eq(frames_checksum(room + 34, len - 34u, pseudo), 0);
		ck_assert_int_eq(packet_parse(&frames_host, room, len, len, nothing, &p),
				 PACKET_TCP);
	}
}
END_TEST

int
main(void)
{
	return RUN_CASES(
		"packet", a_tcp_segment_is_read_field_by_field,
		options_of_both_headers_are_passed_over_or_read, an_echo_request_is_handed_on_whole,
		an_arp_request_is_decoded_though_broadcast, padding_behind_the_ip_length_is_cut_off,
		every_truncation_of_every_frame_is_dropped,
		payload_may_continue_elsewhere_only_if_it_is_vouched_for,
		every_hostile_frame_is_counted_under_its_name,
		every_drop_has_a_line_in_the_table_and_a_name,
		tcp_segment_with_a_wrong_checksum_is_dropped, no_single_bit_error_gets_through,
		a_vouched_checksum_is_not_looked_at_and_each_vouch_stands_alone,
		a_point_to_point_net_has_no_broadcast_address,
		written_headers_are_read_back_with_every_set_of_options,
		the_ip_header_is_what_rfc_6864_and_the_flow_ask_for,
		offload_leaves_the_pseudo_header_in_the_field,
		a_written_checksum_equals_the_naive_one_at_every_length);
}
