export * from 'hub:connector/runtime@0.1.0';
