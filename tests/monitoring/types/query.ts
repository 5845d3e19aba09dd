// A query as we write it: @grafana/schema publishes no type of Prometheus queries.
import type { DataSourceRef } from "@grafana/schema";

export interface Prometheus {
  refId: string;
  expr: string;
  legendFormat: string;
  instant: boolean;
  range: boolean;
  format?: "table";
  datasource: DataSourceRef;
}
