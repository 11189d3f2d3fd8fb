// What the page of a cluster is given.
import type { ClusterQuery } from "../generated/operations";

export type Found = NonNullable<ClusterQuery["cluster"]>;
