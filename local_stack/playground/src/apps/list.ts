// The tabs, in their order.

import type { App } from './app';
import { domo } from './domo';
import { echoroom } from './echoroom';

export const apps: readonly [App, ...App[]] = [echoroom, domo];
