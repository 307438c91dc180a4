/** The canvas as others may command it. Set while a canvas is on the page. */
import type { Point } from "../model/document";
import type { Size } from "../model/layout";

export interface View {
  readonly reveal: (id: string) => void;
  readonly focus: (id: string) => void;
  readonly centre: () => Point;
  readonly fit: () => void;
  readonly fitSoon: () => void;
  readonly zoomTo: (zoom: number) => void;
  readonly zoomBy: (factor: number) => void;
  readonly sizeOf: (id: string) => Size | undefined;
  readonly toScreen: (point: Point) => Point;
}

let view: View | undefined;

export function setView(next: View | undefined): void {
  view = next;
}

export function getView(): View | undefined {
  return view;
}
