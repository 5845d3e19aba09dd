// What a dashboard is, by Grafana's own published types. Its Dashboard leaves a panel's options and fields open,
// so each kind of panel that we use is closed here with the types that its plugin publishes.
import type { AnnotationQuery, Dashboard, Panel, RowPanel } from "@grafana/schema";
import type { Options as StatOptions } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as TableOptions, FieldConfig as TableField } from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type { Options as TimeSeriesOptions, FieldConfig as TimeSeriesField } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";
import type { Options as StateOptions, FieldConfig as StateField } from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type { Prometheus as PrometheusQuery } from "./query";

// Enumerations of the types are strings in JSON.
type Json<T> = T extends string ? `${T}` | T
  : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Json<U>[]
  : { [K in keyof T]: Json<T[K]> };

type Shown<Kind extends string, Options, Custom> = Json<Omit<Panel, "type" | "options" | "targets" | "fieldConfig">> & {
  type: Kind;
  options: Json<Options>;
  targets: PrometheusQuery[];
  fieldConfig: {
    defaults: Json<Omit<NonNullable<Panel["fieldConfig"]>["defaults"], "custom">> & { custom: Json<Custom> };
    overrides: [];
  };
};

export type Known =
  | Shown<"timeseries", TimeSeriesOptions, TimeSeriesField>
  | Shown<"stat", StatOptions, Record<string, never>>
  | Shown<"table", TableOptions, Partial<TableField>>
  | Shown<"state-timeline", StateOptions, StateField>
  | Json<RowPanel>;

export type Board = Json<Omit<Dashboard, "panels" | "annotations">> & {
  annotations: { list: (Json<Omit<AnnotationQuery, "target">> & { target: PrometheusQuery })[] };
  panels: Known[];
};
