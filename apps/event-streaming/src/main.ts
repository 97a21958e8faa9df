import 'reflect-metadata';
import { runService } from '@redstart/service-kit';
import { eventStreaming } from './module.js';

await runService(eventStreaming);
