import { routes } from './routes.js';

export class Board {
  constructor(element) {
    this.element = element;
  }

  show(minutes) {
    this.element.textContent = nextDeparture(minutes);
  }
}

export function nextDeparture(minutes) {
  return routes.find((route) => route.minutes > minutes)?.name ?? 'none today';
}
