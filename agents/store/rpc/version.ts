/** The etcd release whose answers these are. */
export const ETCD_VERSION = '3.4.23';
export const CLUSTER_VERSION = '3.4.0';
