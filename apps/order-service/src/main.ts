import 'reflect-metadata';
import { runService } from '@redstart/service-kit';
import { orderService } from './module.js';

await runService(orderService);
