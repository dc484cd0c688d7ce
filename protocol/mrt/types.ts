/** Type and subtype numbers of MRT records: RFC 6396 §4, RFC 8050 §3 and §4. */

export const TABLE_DUMP = 12;
export const TABLE_DUMP_V2 = 13;
export const BGP4MP = 16;
/** As BGP4MP, with microseconds in the header. */
export const BGP4MP_ET = 17;

/** TABLE_DUMP: the subtype is the AFI. */
export const TABLE_DUMP_IPV4 = 1;
export const TABLE_DUMP_IPV6 = 2;

/** TABLE_DUMP_V2. */
export const PEER_INDEX_TABLE = 1;
export const RIB_IPV4_UNICAST = 2;
export const RIB_IPV4_MULTICAST = 3;
export const RIB_IPV6_UNICAST = 4;
export const RIB_IPV6_MULTICAST = 5;
export const RIB_GENERIC = 6;
export const RIB_IPV4_UNICAST_ADDPATH = 8;
export const RIB_IPV4_MULTICAST_ADDPATH = 9;
export const RIB_IPV6_UNICAST_ADDPATH = 10;
export const RIB_IPV6_MULTICAST_ADDPATH = 11;
export const RIB_GENERIC_ADDPATH = 12;

/** BGP4MP and BGP4MP_ET. */
export const STATE_CHANGE = 0;
export const MESSAGE = 1;
export const MESSAGE_AS4 = 4;
export const STATE_CHANGE_AS4 = 5;
export const MESSAGE_LOCAL = 6;
export const MESSAGE_AS4_LOCAL = 7;
export const MESSAGE_ADDPATH = 8;
export const MESSAGE_AS4_ADDPATH = 9;
export const MESSAGE_LOCAL_ADDPATH = 10;
export const MESSAGE_AS4_LOCAL_ADDPATH = 11;

/** Address families as records name them. */
export const AFI_IPV4 = 1;
export const AFI_IPV6 = 2;
